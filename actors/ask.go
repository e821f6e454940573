package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// askTimeout bounds a request that names no bound of its own.
const askTimeout = 10 * time.Second

// Ask hands a request to whoever answers it and returns the reply that the request's comment in
// package messages names. An expected failure is a *messages.Error. The request ends with ctx, or
// after its own bound; whether it was carried out is unknown then (code timeout).
func (s *System) Ask(ctx context.Context, message any) (any, error) {
	if s.stopping.Load() {
		return nil, messages.Unavailable("the agent is stopping and")
	}
	switch m := message.(type) {
	case messages.GetConfig, messages.SetParameters:
		return s.request(ctx, nameConfig, message)
	case messages.GetSample, messages.SendHeartbeat:
		return s.request(ctx, nameMetric, message)
	case messages.RetryDead, messages.DeleteDead:
		return s.request(ctx, nameShipper, message)
	case messages.CheckShipping:
		return s.checkShipping(ctx, m)
	case messages.SetPassword:
		return s.request(ctx, nameAccess, message)
	case messages.PutJob, messages.CheckJob, messages.DeleteJob, messages.ListJobs, messages.RunJob,
		messages.SetFiring:
		return s.request(ctx, nameScheduler, message)
	case messages.Import:
		return s.askImport(ctx, m)
	case messages.CancelRun:
		return s.askCancel(ctx, m)
	case messages.ExecuteScript:
		return s.askRun(ctx, m, time.Duration(m.Job.Options.TimeoutSeconds)*time.Second,
			m.Job.Options.TimeoutSeconds == 0)
	case messages.ExecuteCommand:
		m.Timeout = s.commandTimeout(m.Timeout)
		return s.askRun(ctx, m, m.Timeout, false)
	case messages.SetJobPaused:
		return s.askStanding(ctx, m, m.Name)
	case messages.GetJobState:
		return s.askStanding(ctx, m, m.Name)
	case messages.RestartActors:
		return s.restartActors(ctx, m)
	case messages.ShutDown:
		s.log.Info("shutdown requested", "principal", m.Origin.Principal, "remote", m.Origin.Remote,
			"request_id", m.Origin.RequestID)
		if s.opt.OnShutDown != nil {
			s.opt.OnShutDown(m.Origin)
		}
		return messages.ShutdownBegun{}, nil
	default:
		return s.read(message)
	}
}

func (s *System) commandTimeout(asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	return s.Config().Seconds(messages.ParamCommandTimeout)
}

// request puts the message into an actor's mailbox and waits for the one reply.
func (s *System) request(ctx context.Context, name string, message any) (any, error) {
	pid := s.member(name).pid.Load()
	if pid == nil {
		return nil, messages.Unavailable("the " + name + " actor")
	}
	return s.requestOf(ctx, pid, name, message)
}

func (s *System) requestOf(ctx context.Context, pid *actor.PID, name string, message any) (any,
	error,
) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTimeout)
		defer cancel()
	}
	asker := &asker{reply: make(chan any, 1)}
	self, _ := s.actors.ProcessRegistry.Add(asker, "ask"+s.actors.ProcessRegistry.NextId())
	defer s.actors.ProcessRegistry.Remove(self)
	s.actors.Root.RequestWithCustomSender(pid, message, self)
	select {
	case reply := <-asker.reply:
		return settle(reply, name)
	case <-ctx.Done():
		return nil, timeoutError(name)
	}
}

func timeoutError(name string) *messages.Error {
	return messages.Errorf(messages.CodeTimeout,
		"the %s actor did not answer in time; whether the request was carried out is unknown", name)
}

// settle tells a reply from a failure.
func settle(reply any, name string) (any, error) {
	switch r := reply.(type) {
	case *messages.Error:
		return nil, r
	case error:
		return nil, fmt.Errorf("the %s actor: %w", name, r)
	case *actor.DeadLetterResponse:
		return nil, messages.Unavailable("the " + name + " actor")
	default:
		return reply, nil
	}
}

// asker stands in the registry for the goroutine that waits in request. (The library's future
// writes its result without a lock when a reply races its time-out.) A second reply is dropped.
type asker struct{ reply chan any }

// SendUserMessage takes the reply.
func (a *asker) SendUserMessage(_ *actor.PID, message any) {
	_, reply, _ := actor.UnwrapEnvelope(message)
	select {
	case a.reply <- reply:
	default:
	}
}

// SendSystemMessage is not for askers.
func (a *asker) SendSystemMessage(*actor.PID, any) {}

// Stop is not for askers.
func (a *asker) Stop(*actor.PID) {}

// askRun waits as long as the run may take: its time-out and the killing after it, or, without a
// time-out, as long as ctx lasts.
func (s *System) askRun(ctx context.Context, message any, timeout time.Duration, endless bool) (any,
	error,
) {
	bound := timeout + killGraceAtStop + 30*time.Second
	if endless {
		bound = messages.MaxTimeoutSeconds * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return s.request(ctx, nameExecutors, message)
}

// askCancel tells a run that has ended from one that never was: the executors know only what is
// under way.
func (s *System) askCancel(ctx context.Context, m messages.CancelRun) (any, error) {
	reply, err := s.request(ctx, nameExecutors, m)
	if err != nil && messages.CodeOf(err) == messages.CodeConflict {
		if _, missing := s.read(messages.GetRun{ID: m.ID}); missing != nil &&
			messages.CodeOf(missing) == messages.CodeNotFound {
			return nil, missing
		}
	}
	return reply, err
}

func (s *System) restartActors(ctx context.Context, m messages.RestartActors) (any, error) {
	before := map[string]uint64{}
	for _, member := range s.members {
		if member.name != nameExecutors {
			_, starts, _ := member.vital.look()
			before[member.name] = starts
		}
	}
	s.log.Info("actors restart", "principal", m.Origin.Principal, "remote", m.Origin.Remote,
		"request_id", m.Origin.RequestID)
	s.actors.Root.Send(s.agent, restartActors{})
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := s.awaitUp(ctx, before); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, timeoutError("agent")
		}
		return nil, err
	}
	return messages.ActorsRestarted{}, nil
}
