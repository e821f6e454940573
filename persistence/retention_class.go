package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
)

// runClass tells what a stored run counts as.
type runClass byte

// The classes. A run moves from a lower one to a higher one, never back.
const (
	classWaits runClass = iota // nobody knows yet whether it will run; also: there is no such run
	classRan                   // its process was started: keep_runs counts it
	classApart                 // it ended without having run: such records are bound apart
)

// class returns what the run counts as. What an older version has stored tells it as well.
func (k *runKeeping) class() runClass {
	switch state := format.StateOf(uint64(k.state)); state {
	case messages.RunRunning, messages.RunSucceeded, messages.RunTimedOut:
		return classRan
	case messages.RunSkipped, messages.RunMissed:
		return classApart
	case messages.RunFailed, messages.RunCancelled, messages.RunInterrupted:
		if k.begun {
			return classRan
		}
		return classApart
	default:
		return classWaits
	}
}

// ended reports whether the run's outcome is known.
func (k *runKeeping) ended() bool { return !format.StateOf(uint64(k.state)).Active() }

// note takes over what a changed run says of its class.
func (k *runKeeping) note(run *messages.Run) {
	k.state, k.begun = format.StateNumber(run.State), run.Ran()
}

// apartStates lists the states that a run may end in without having run.
func apartStates() []messages.RunState {
	return []messages.RunState{
		messages.RunFailed, messages.RunCancelled, messages.RunInterrupted,
		messages.RunSkipped, messages.RunMissed,
	}
}

// isNeverBegun reports whether no run that ended in the state has run.
func isNeverBegun(state byte) bool {
	s := format.StateOf(uint64(state))
	return s == messages.RunSkipped || s == messages.RunMissed
}

// takenBytes is what runs take in rows and files.
type takenBytes struct{ all, apart uint64 }

// taken returns what a stored run takes; nothing where there is none.
func (r *reader) taken(id format.RunKey, k *runKeeping) takenBytes {
	bytes := r.runBytes(id, k)
	if k.class() == classApart {
		return takenBytes{bytes, bytes}
	}
	return takenBytes{all: bytes}
}

// countTaken replaces in the ledger's counts what a run took by what it takes now.
func countTaken(l *format.Ledger, before, now takenBytes) {
	l.RunBytes += now.all - before.all
	l.ApartBytes = format.LessBy(l.ApartBytes+now.apart, before.apart)
}
