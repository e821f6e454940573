package actors

import (
	"errors"
	"time"

	"gusty/internal/process"
	"gusty/messages"
)

// Why a run does not start that had its turn.
var (
	// errLeft: the agent stops, and the run's row is there for the next start.
	errLeft = errors.New("the agent stops before the run has started")
	// errEnded: the run was ended before; its record says so.
	errEnded = errors.New("the run was ended before it has started")
)

// start starts the process. There is none, and no error, where the run was ended before.
func (x *execution) start(spec process.Spec) (Process, error) {
	spec.BeforeBirth = x.noteStart
	started, err := x.system.opt.Launcher.Start(spec)
	switch {
	case errors.Is(err, errEnded):
		return nil, nil //nolint:nilnil // the record tells
	case errors.Is(err, errLeft):
		return nil, err
	case err != nil:
		x.system.starts.failed(err)
		return nil, err
	}
	x.system.starts.started()
	return started, nil
}

// noteStart notes that the run starts now. The host calls it when the start has its turn, of which
// there are few at once: who waits has not started, and nothing says that it may have.
func (x *execution) noteStart() error {
	select {
	case e := <-x.ends:
		return x.endUnstarted(e)
	default:
	}
	if x.system.stopping.Load() {
		return x.endUnstarted(ending{state: messages.RunInterrupted, reason: whyStoppedBefore})
	}
	if err := x.system.opt.Store.NoteStart(x.id); err != nil {
		x.log.Warn("the start of a run could not be noted", "error", err)
	}
	return nil
}

// endUnstarted ends a run that was not started, or leaves it to the next start of the agent where
// that is about to end.
func (x *execution) endUnstarted(e ending) error {
	if x.system.stopping.Load() && e.state == messages.RunInterrupted && x.task.stays() {
		return errLeft
	}
	x.update(func(r *messages.Run) { r.State, r.Reason, r.EndedAt = e.state, e.reason, time.Now() })
	return errEnded
}
