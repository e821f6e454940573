package actors

import (
	"errors"
	"runtime"
	"time"

	"gusty/internal/process"
	"gusty/messages"
)

// startsPerCore bounds how many processes are being started at once: more of them only delay each
// other.
const startsPerCore = 2

// startGate lets so many executions start their processes at once. Who waits at it has not started,
// and nothing says that it may have.
type startGate chan struct{}

func newStartGate() startGate { return make(startGate, startsPerCore*runtime.NumCPU()) }

// errLeft is for a run that does not start since the agent stops: its row is there for the next
// start.
var errLeft = errors.New("the agent stops before the run has started")

// start notes the start and starts the process. There is none, and no error, where the run was
// ended before: its record says so.
func (x *execution) start(spec process.Spec) (Process, error) {
	select {
	case x.system.gate <- struct{}{}:
		defer func() { <-x.system.gate }()
	case e := <-x.ends:
		return nil, x.endUnstarted(e)
	}
	select {
	case e := <-x.ends:
		return nil, x.endUnstarted(e)
	default:
	}
	if x.system.stopping.Load() {
		return nil, x.endUnstarted(ending{state: messages.RunInterrupted, reason: whyStoppedBefore})
	}
	if err := x.system.opt.Store.NoteStart(x.id); err != nil {
		x.log.Warn("the start of a run could not be noted", "error", err)
	}
	started, err := x.system.opt.Launcher.Start(spec)
	if err != nil {
		x.system.starts.failed(err)
		return nil, err
	}
	x.system.starts.started()
	return started, nil
}

// endUnstarted ends a run that was not started, or leaves it to the next start of the agent where
// that is about to end.
func (x *execution) endUnstarted(e ending) error {
	if x.system.stopping.Load() && e.state == messages.RunInterrupted && x.task.stays() {
		return errLeft
	}
	x.update(func(r *messages.Run) { r.State, r.Reason, r.EndedAt = e.state, e.reason, time.Now() })
	return nil
}
