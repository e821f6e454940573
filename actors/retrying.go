package actors

import (
	"slices"

	"gusty/messages"
)

// What becomes of a job's firings while its next attempt waits: a run with its
// attempts counts as one that is still active.

// noteRetry remembers an attempt that waits for its time. A job has more than one where a client
// started a run beside the schedule's.
func (a *executorsActor) noteRetry(t *task) {
	if t.run.Trigger == messages.TriggerRetry && !slices.Contains(a.retries[t.key()], t) {
		a.retries[t.key()] = append(a.retries[t.key()], t)
	}
}

// forgetRetry is for an attempt that waits no longer.
func (a *executorsActor) forgetRetry(t *task) {
	left := slices.DeleteFunc(a.retries[t.key()], func(one *task) bool {
		return one == t || !one.open()
	})
	if len(left) == 0 {
		delete(a.retries, t.key())
		return
	}
	a.retries[t.key()] = left
}

// waitingRetry returns an attempt of a job that waits; nil: there is none.
func (a *executorsActor) waitingRetry(key string) *task {
	for _, t := range a.retries[key] {
		if t.open() {
			return t
		}
	}
	delete(a.retries, key)
	return nil
}

// behindRetry applies the overlap policy to a firing that comes while the job's next attempt waits,
// and reports whether it does not start now. What a client asks for starts.
func (a *executorsActor) behindRetry(t *task) bool {
	if t.run.Trigger != messages.TriggerSchedule && t.run.Trigger != messages.TriggerMisfire {
		return false
	}
	next := a.waitingRetry(t.key())
	if next == nil {
		return false
	}
	switch t.overlap {
	case messages.OverlapAllow:
		return false
	case messages.OverlapQueue:
		a.waitBehind(next, t)
	case messages.OverlapReplace:
		for ; next != nil; next = a.waitingRetry(t.key()) {
			a.giveUpRetry(next, "replaced by run "+t.run.ID)
		}
		return false
	default:
		a.skip(t, "previous run still active ("+attemptOf(next)+")")
	}
	return true
}

func attemptOf(next *task) string {
	return "its next attempt, run " + next.run.ID + ", is due at " + stamp(next.at)
}

// waitBehind keeps one firing until the attempt is with the job's executor, which keeps it on.
func (a *executorsActor) waitBehind(next, t *task) {
	if first := next.follower; first != nil && first != t && first.open() {
		a.skip(t, "previous run still active ("+attemptOf(next)+
			"), and one run is waiting already (run "+first.run.ID+")")
		return
	}
	if !t.waits {
		a.system.noteWaits(t)
	}
	next.follower, t.waits = t, true
	a.held[t.run.ID] = t
}

// letFollow queues what has waited behind a task that is with its executor now, or that does not
// start.
func (a *executorsActor) letFollow(t *task) {
	if next := t.follower; next != nil {
		t.follower = nil
		delete(a.held, next.run.ID)
		if next.open() {
			a.put(next)
		}
	}
}

func (a *executorsActor) skip(t *task, why string) {
	if t.take() {
		a.system.settleUnrun(t, messages.RunSkipped, why)
	}
}

func (a *executorsActor) giveUpRetry(next *task, why string) {
	if next.take() {
		a.queue.remove(next)
		a.system.settleUnrun(next, messages.RunCancelled, why)
	}
	a.forgetRetry(next)
	a.letFollow(next)
}
