package actors

import (
	"slices"
	"time"

	"gusty/internal/hostclock"
	"gusty/messages"
)

// What becomes of tasks whose time has come and that do not start: there is no
// slot, or it is too late.

// noteAfter is how long a task waits for a slot before its record says so. Before that a crash
// makes it interrupted, though it never started; but a record costs a commit, and another one
// before the start.
const noteAfter = 2 * time.Second

// fullness is a stretch of time in which tasks were due and no slot was free.
type fullness struct {
	since time.Time
	// noteAt is when the waiting tasks are looked at next; what happens meanwhile does not put it
	// off.
	noteAt time.Time
}

func (f *fullness) begin() {
	if f.since.IsZero() {
		f.since = time.Now()
		f.noteAt = f.since.Add(noteAfter)
	}
}

func (f *fullness) end() { *f = fullness{} }

// at reports whether there was no free slot at t.
func (f *fullness) at(t time.Time) bool { return !f.since.IsZero() && !f.since.After(t) }

// noteWaiting records of the tasks that have waited for a slot for a while that they only wait, and
// that those that their jobs' policies do not let wait are skipped.
func (a *executorsActor) noteWaiting() {
	if a.full.since.IsZero() || time.Now().Before(a.full.noteAt) {
		return
	}
	a.full.noteAt = time.Now().Add(noteAfter)
	var waiting []*task
	for _, t := range a.withoutSurplus(a.waitingSince(time.Now().Add(-noteAfter))) {
		if t.run.Armed && !t.waits {
			t.waits = true
			waiting = append(waiting, t)
		}
	}
	for some := range slices.Chunk(waiting, rowsPerChange) {
		a.system.noteWaits(some...)
	}
}

// missed settles a firing that is later than its job allows, and reports whether it was one. What
// waited for a slot, or behind another run, was noticed in time, and starts however late that is.
func (a *executorsActor) missed(t *task) bool {
	now := time.Now()
	// by the wall clock: the other one stands still while the host is suspended
	late := now.Round(0).Sub(t.at)
	if t.grace == 0 || late <= t.grace || t.waits || !t.run.Armed || a.full.at(t.at.Add(t.grace)) ||
		!t.take() {
		return false
	}
	reason := tooLate(a.changeSince(t.seen, now), late, t.grace)
	if t.misfire == messages.MisfireSkip {
		a.system.settleUnrun(t, messages.RunMissed, reason)
		return true
	}
	a.system.tell(nameScheduler, firingMissed{t, reason})
	return true
}

// changeSince says what the clocks did since they were read; nothing where they were not.
func (a *executorsActor) changeSince(seen hostclock.Reading, now time.Time) hostclock.Change {
	if seen.Wall.IsZero() {
		return hostclock.Change{}
	}
	return hostclock.Between(seen, a.system.clock.Read(now))
}
