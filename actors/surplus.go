package actors

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gusty/messages"
)

// The overlap policy for firings that wait for a slot. While hung jobs hold all
// slots, the firings of the others must not pile up.

// mostWaiting is how many tasks wait for a slot at most, some hundred bytes each, beside one of
// each job: a host may have more jobs than that.
const mostWaiting = 10_000

// waitingSince returns the tasks that were due by then, in due order.
func (a *executorsActor) waitingSince(then time.Time) (waiting []*task) {
	for _, t := range a.queue.items {
		if t.due <= then.UnixNano() {
			waiting = append(waiting, t)
		}
	}
	slices.SortFunc(waiting, func(t, other *task) int {
		return cmp.Or(cmp.Compare(t.due, other.due), cmp.Compare(t.order, other.order))
	})
	return waiting
}

// withoutSurplus skips those firings among waiting tasks that their jobs' overlap policies do not
// let wait, and returns the others.
func (a *executorsActor) withoutSurplus(waiting []*task) []*task {
	s := surplus{active: map[string]string{}, ahead: map[string]*task{}}
	for id, t := range a.handed {
		s.isActive(t.key(), id)
	}
	for _, t := range a.held {
		s.ahead[t.key()] = t
	}
	for _, t := range waiting {
		if drop, why := s.judge(t); drop != nil {
			a.queue.remove(drop)
			a.skip(drop, why)
			a.letFollow(drop)
		}
	}
	a.endReplaced(s.ahead)
	return slices.DeleteFunc(waiting, func(t *task) bool { return !t.open() })
}

// endReplaced ends the runs that a waiting firing replaces: it would wait for their slots.
func (a *executorsActor) endReplaced(waiting map[string]*task) {
	for _, x := range a.system.live.all() {
		t := waiting[x.key]
		if t != nil && t.open() && t.run.Trigger == messages.TriggerSchedule &&
			t.overlap == messages.OverlapReplace {
			x.end(ending{state: messages.RunCancelled, reason: "replaced by run " + t.run.ID})
		}
	}
}

// surplus judges waiting tasks in due order.
type surplus struct {
	active map[string]string // by job: the id of its oldest run under way
	ahead  map[string]*task  // by job: the one that waits already
	count  int
}

func (s *surplus) isActive(key, id string) {
	if oldest, ok := s.active[key]; !ok || id < oldest {
		s.active[key] = id
	}
}

// judge returns the task that must not wait on, if there is one, and why: the given one, or one
// before it that it replaces.
func (s *surplus) judge(t *task) (drop *task, why string) {
	key := t.key()
	ahead, active := s.ahead[key], s.active[key]
	switch {
	case t.run.Trigger != messages.TriggerSchedule:
	case s.count >= mostWaiting && ahead != nil:
		return t, fmt.Sprintf("%d runs wait for a slot already", mostWaiting)
	case t.overlap == messages.OverlapAllow:
	case t.overlap == messages.OverlapReplace && ahead != nil &&
		ahead.run.Trigger == messages.TriggerSchedule && ahead.queued():
		s.ahead[key] = t
		return ahead, "replaced by run " + t.run.ID
	case t.overlap == messages.OverlapQueue && ahead != nil:
		return t, "a run is waiting already (run " + ahead.run.ID + ")"
	case t.overlap == messages.OverlapSkip && active != "":
		return t, "previous run still active (run " + active + ")"
	case t.overlap == messages.OverlapSkip && ahead != nil:
		return t, "previous run still waits for a slot (run " + ahead.run.ID + ")"
	}
	s.count++
	s.ahead[key] = t
	return nil, ""
}
