package actors

import (
	"context"
	"time"

	"gusty/messages"
)

// stopBudget is how long one actor may take to stop, beside the grace that runs under way get.
const stopBudget = 5 * time.Second

// Stop ends the tree in order: what fires, what runs, what samples, then the rest. Each actor is
// waited for, bounded; one that does not end in time is left behind with a line in the log.
// Afterwards every Ask is answered "unavailable".
func (s *System) Stop(ctx context.Context) {
	if s.stopping.Swap(true) {
		return
	}
	for _, name := range []string{
		nameScheduler, nameExecutors, nameMetric, nameShipper, nameAccess,
		nameConfig,
	} {
		s.stopOne(ctx, name)
	}
	s.starts.stop()
	s.outcomes.close()
	s.leaveRuns()
	s.stopAgent(ctx)
	s.actors.Shutdown()
	s.workers.close()
}

// leaveRuns lets the store say of every run that is recorded and was not started that it only
// waits: the next start resumes it, also after a boot of the host. It comes behind all that the
// actors have handed to the store.
func (s *System) leaveRuns() {
	rows := []messages.Row{messages.RunsLeft{}}
	change := messages.Change{Origin: messages.OriginAgent(), Rows: rows}
	s.opt.Store.Submit(change, func(c messages.Committed) {
		if c.Err != nil {
			s.log.Warn("that runs wait was not recorded: a boot of the host puts them in doubt",
				"error", c.Err)
		}
	})
}

func (s *System) stopAgent(ctx context.Context) {
	if s.agent == nil {
		return
	}
	s.actors.Root.Stop(s.agent)
	bounded, cancel := context.WithTimeout(ctx, stopBudget)
	defer cancel()
	select {
	case <-s.agentGone:
	case <-bounded.Done():
		s.log.Warn("actor did not stop in time", "actor", nameAgent)
	}
}

func (s *System) stopOne(ctx context.Context, name string) {
	m := s.member(name)
	pid := m.pid.Load()
	if pid == nil {
		return
	}
	switch name {
	case nameExecutors:
		s.drain(ctx)
		s.endRuns()
	case nameShipper:
		s.flushOutbox(ctx)
	}
	s.actors.Root.Stop(pid)
	bounded, cancel := context.WithTimeout(ctx, stopBudget)
	defer cancel()
	for {
		state, _, changed := m.vital.look()
		if state == stateDown {
			return
		}
		select {
		case <-changed:
		case <-bounded.Done():
			s.log.Warn("actor did not stop in time", "actor", name)
			return
		}
	}
}

// flushOutbox sends what waits a last time, as far as that takes no time to speak of; the rest is
// there at the next start.
func (s *System) flushOutbox(ctx context.Context) {
	if s.opt.LogTap != nil {
		s.opt.LogTap.detach()
	}
	bounded, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	if _, err := s.request(bounded, nameShipper, flushOutbox{}); err != nil {
		s.log.Info("documents still wait for OpenSearch; they are sent at the next start", "actor",
			nameShipper)
	}
}

// drain lets the runs under way end, and ends those that do not.
func (s *System) drain(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, s.opt.StopGrace+killGraceAtStop+stopBudget)
	defer cancel()
	if _, err := s.request(bounded, nameExecutors, drain{grace: s.opt.StopGrace}); err != nil {
		s.log.Warn("runs were still under way when the agent stopped", "error", err)
	}
	if err := s.live.awaitNone(bounded); err != nil {
		s.log.Warn("the ends of some runs were not recorded in time", "error", err)
	}
}
