package actors

import (
	"math/rand/v2"
	"slices"
	"time"

	"gusty/messages"
)

// agenda is what the scheduler knows: its jobs, and when each is due next. It knows no actor and no
// clock.
type agenda struct {
	jobs  map[string]*jobEntry
	plans planSet
	queue dueQueue[*jobEntry]
	names []string // sorted; nil: to be made anew
	// bootID is the copy of a boot's id that the entries share.
	bootID string
	// quarantined counts the jobs that are.
	quarantined int
}

// jobEntry is one job in memory: no script, no environment. Times are Unix nanoseconds, to keep it
// small.
type jobEntry struct {
	dueSlot // due is the next firing

	name string
	// nil: the stored expression cannot be parsed (a row that came from elsewhere); it never fires
	plan    *plan
	through int64 // every firing up to and including this time has its record
	anchor  int64
	grace   int32 // seconds
	jitter  int32
	overlap messages.OverlapPolicy
	misfire messages.MisfirePolicy

	enabled, paused, quarantined bool
	reason                       string
	bootID                       string
}

func newAgenda() *agenda {
	return &agenda{jobs: map[string]*jobEntry{}, plans: planSet{}}
}

// put adds or replaces a job by its head, and says when it is due after now.
func (a *agenda) put(head *messages.JobHead, now time.Time) *jobEntry {
	e, known := a.jobs[head.Name]
	if !known {
		e = &jobEntry{name: head.Name}
		a.jobs[head.Name] = e
		a.names = nil
	}
	a.setPlan(e, head)
	e.grace, e.jitter = int32(head.MisfireGrace/time.Second), int32(head.Jitter/time.Second)
	e.overlap, e.misfire, e.enabled = overlapOf(head.OverlapPolicy), misfireOf(
		head.MisfirePolicy), head.Enabled
	a.setState(e, &head.State)
	a.replan(e, now)
	return e
}

func (a *agenda) setPlan(e *jobEntry, head *messages.JobHead) {
	if e.plan != nil {
		a.plans.release(e.plan)
		e.plan = nil
	}
	p, err := a.plans.take(head.CronExpression, head.TimeZone)
	if err != nil {
		e.reason = err.Error()
		return
	}
	e.plan = p
}

func (a *agenda) setState(e *jobEntry, s *messages.JobState) {
	if e.quarantined != s.Quarantined {
		if s.Quarantined {
			a.quarantined++
		} else {
			a.quarantined--
		}
	}
	e.through, e.anchor = unixNano(s.PlannedThrough), unixNano(s.Anchor)
	e.paused, e.quarantined, e.bootID = s.Paused, s.Quarantined, a.intern(s.BootID)
	if e.plan != nil {
		e.reason = s.Reason
	}
}

// intern returns one copy of the boot's id to all entries: nearly all that have one have the same.
func (a *agenda) intern(bootID string) string {
	if bootID != a.bootID {
		a.bootID = bootID
	}
	return a.bootID
}

// overlapOf and misfireOf give the constant of the same text, so that an entry does not keep a copy
// of its own from a row.
func overlapOf(p messages.OverlapPolicy) messages.OverlapPolicy {
	for _, known := range []messages.OverlapPolicy{
		messages.OverlapQueue, messages.OverlapAllow,
		messages.OverlapReplace,
	} {
		if p == known {
			return known
		}
	}
	return messages.OverlapSkip
}

func misfireOf(p messages.MisfirePolicy) messages.MisfirePolicy {
	for _, known := range []messages.MisfirePolicy{
		messages.MisfireRunOnce,
		messages.MisfireRunAll,
	} {
		if p == known {
			return known
		}
	}
	return messages.MisfireSkip
}

// state returns the entry's durable part.
func (e *jobEntry) state() messages.JobState {
	return messages.JobState{
		PlannedThrough: fromUnixNano(e.through), Anchor: fromUnixNano(e.anchor), BootID: e.bootID,
		Paused: e.paused, Quarantined: e.quarantined, Reason: e.reason,
	}
}

// fires reports whether the job takes part in planning at all.
func (e *jobEntry) fires() bool { return e.plan != nil && e.enabled && !e.quarantined }

// replan puts the entry at its first firing after now, or takes it out where there is none. Paused
// jobs are planned on.
func (a *agenda) replan(e *jobEntry, after time.Time) {
	if !e.fires() {
		a.queue.remove(e)
		e.due = 0
		return
	}
	next := e.plan.next(after, fromUnixNano(e.anchor))
	if next.IsZero() {
		a.queue.remove(e)
		e.due = 0
		return
	}
	a.queue.put(e, next.UnixNano())
}

// remove takes a job out, and reports whether it was there.
func (a *agenda) remove(name string) bool {
	e, ok := a.jobs[name]
	if !ok {
		return false
	}
	a.queue.remove(e)
	if e.plan != nil {
		a.plans.release(e.plan)
	}
	if e.quarantined {
		a.quarantined--
	}
	delete(a.jobs, name)
	a.names = nil
	return true
}

// sortedNames returns all names in byte order. The slice is shared and never changed.
func (a *agenda) sortedNames() []string {
	if a.names == nil {
		a.names = make([]string, 0, len(a.jobs))
		for name := range a.jobs {
			a.names = append(a.names, name)
		}
		slices.Sort(a.names)
	}
	return a.names
}

// nextDue returns the job's next firing; zero where there is none.
func (e *jobEntry) nextDue() time.Time {
	if !e.queued() {
		return time.Time{}
	}
	return fromUnixNano(e.due)
}

// startAt returns when a firing starts its process: at its due time, or up to the job's jitter
// later.
func (e *jobEntry) startAt(due time.Time) time.Time {
	if e.jitter <= 0 {
		return due
	}
	//nolint:gosec // jitter is no secret
	return due.Add(rand.N(time.Duration(e.jitter) * time.Second))
}

// lateBy is how late a firing may start. What is hardly late is on time.
func (e *jobEntry) lateBy() time.Duration {
	return max(hardlyLate, time.Duration(e.grace)*time.Second)
}

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromUnixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
