package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// How many times an actor may be restarted within how long before the process ends.
const (
	maxRestarts   = 10
	restartWindow = time.Minute
)

// GaveUpError is why the process has to end: one actor failed more often than its supervisor
// allows.
type GaveUpError struct {
	Actor string
	// restarts that it was allowed in restartWindow; 0: none, since nobody could restart it
	Most  int
	Cause any // what it panicked with last
}

// Error names the actor and its last failure.
func (e *GaveUpError) Error() string {
	if e.Most == 0 {
		return fmt.Sprintf("the %s actor failed, which nothing can restart: %v", e.Actor, e.Cause)
	}
	return fmt.Sprintf("the %s actor keeps failing (more than %d times in %s), last with: %v",
		e.Actor, e.Most, restartWindow, e.Cause)
}

// oneForOne restarts the child that failed, and gives up when it fails too often. (The library's
// own strategy of that name stops the child then and tells nobody.)
type oneForOne struct {
	most   int
	window time.Duration
	giveUp func(child *actor.PID, cause any)
}

// HandleFailure restarts the child, or stops it and gives up.
func (s *oneForOne) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor,
	child *actor.PID, rs *actor.RestartStatistics, reason, _ any,
) {
	rs.Fail()
	if rs.NumberOfFailures(s.window) <= s.most {
		supervisor.RestartChildren(child)
		return
	}
	supervisor.StopChildren(child)
	s.giveUp(child, reason)
}

// watched is the receiver middleware of every actor: it keeps the pulse, and turns a panic into an
// answer for whoever asked, a log line with the stack, and the same panic again for the supervisor.
func (s *System) watched(v *vital, log *slog.Logger) actor.ReceiverMiddleware {
	return func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(c actor.ReceiverContext, env *actor.MessageEnvelope) {
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				s.reportPanic(v, log, env, cause)
				panic(cause)
			}()
			next(c, env)
			feelPulse(v, env.Message)
		}
	}
}

func (s *System) reportPanic(v *vital, log *slog.Logger, env *actor.MessageEnvelope, cause any) {
	if env.Sender != nil {
		s.answer(env.Sender, messages.Unavailable("the "+v.name+" actor"))
	}
	v.restarts.Add(1)
	v.set(stateRestarting)
	log.Error("actor failed", "message", fmt.Sprintf("%T", env.Message), "cause", fmt.Sprint(cause),
		"stack", string(debug.Stack()))
}

func feelPulse(v *vital, message any) {
	switch message.(type) {
	case *actor.Started:
		v.set(stateUp)
	case *actor.Restarting:
		v.set(stateRestarting)
	case *actor.Stopped:
		v.set(stateDown)
	}
}

// guarded runs f, and turns a panic in it into an error: for goroutines, which no supervisor sees.
func guarded(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicError{cause: cause, stack: debug.Stack()}
		}
	}()
	return f()
}

// panicError is a panic that was caught in a goroutine.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

func isPanic(err error) bool {
	var p *panicError
	return errors.As(err, &p)
}

// stackOf returns where a caught panic happened; nothing of another error.
func stackOf(err error) string {
	var p *panicError
	if errors.As(err, &p) {
		return string(p.stack)
	}
	return ""
}
