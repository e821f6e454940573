package actors

import "gusty/messages"

// How the missed firings of one job are made up for: one after the other, in due
// order. All at once, the overlap policies skip and queue would let nearly all of them fall.

// makeUps are the runs of one job that make up for missed firings.
type makeUps struct {
	first  *task   // that is on its way, or under way
	behind []*task // the others, which wait without a slot
}

// overlapOfMakeUp returns the policy of a run that makes up for a missed firing: one of run_all
// waits for what is under way.
func overlapOfMakeUp(misfire messages.MisfirePolicy,
	overlap messages.OverlapPolicy,
) messages.OverlapPolicy {
	if misfire == messages.MisfireRunAll && overlap == messages.OverlapSkip {
		return messages.OverlapQueue
	}
	return overlap
}

// inTurn reports whether the task is one of those that come one after the other.
func (t *task) inTurn() bool {
	return t.run.Trigger == messages.TriggerMisfire && t.overlap == messages.OverlapQueue
}

// behindMakeUp lets a run that makes up for a missed firing wait for the one before it, and reports
// whether it waits.
func (a *executorsActor) behindMakeUp(t *task) bool {
	if !t.inTurn() {
		return false
	}
	m := a.makeUps[t.key()]
	if m == nil || m.first == t || !a.unfinished(m.first) {
		a.noteMakeUp(t)
		return false
	}
	if !t.waits {
		a.system.noteWaits(t)
	}
	t.waits = true
	a.held[t.run.ID] = t
	m.behind = append(m.behind, t)
	return true
}

// noteMakeUp remembers the run that the others of its job wait for.
func (a *executorsActor) noteMakeUp(t *task) {
	if !t.inTurn() {
		return
	}
	m := a.makeUps[t.key()]
	if m == nil {
		m = &makeUps{}
		a.makeUps[t.key()] = m
	}
	m.first = t
}

// unfinished reports whether a task has no outcome yet.
func (a *executorsActor) unfinished(t *task) bool { return t.open() || a.handed[t.run.ID] == t }

// nextMakeUp queues the next run that makes up for a missed firing of a job, where the one before
// has its outcome.
func (a *executorsActor) nextMakeUp(key string) {
	m := a.makeUps[key]
	if m == nil || a.unfinished(m.first) {
		return
	}
	for len(m.behind) > 0 {
		m.first, m.behind = m.behind[0], m.behind[1:]
		delete(a.held, m.first.run.ID)
		if m.first.open() {
			a.put(m.first)
			return
		}
	}
	delete(a.makeUps, key)
}
