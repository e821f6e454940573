package actors

import (
	"fmt"
	"time"

	"gusty/messages"
)

const (
	// so many missed firings of one job get a record each; more get one record with a count
	missedSingly  = 10
	missedCounted = 10_000 // of one job; counting ends here: "at least"
	// of all jobs that are looked at together: some tenths of a second
	missedInAll = 200_000
	// so many of each job are looked at, however many the others had
	missedAtLeast = 2 * runAllLimit
	runAllLimit   = 100 // of the policy run_all
)

// lookBack is what happened to a job's firings while nobody looked.
type lookBack struct {
	late []time.Time // within the job's grace: they fire now
	// the first of those beyond it, and for run_all the last runAllLimit are enough
	missed  []time.Time
	recent  []time.Time // the last runAllLimit of the missed
	count   int         // of the missed, up to a limit
	last    time.Time   // the last firing looked at
	partial bool        // counting ended early
}

// lookBack finds the firings after from and up to and including to, at most limit of them missed. A
// firing within grace before to is late, an earlier one is missed.
func (e *jobEntry) lookBack(from, to time.Time, grace time.Duration, limit int) lookBack {
	var l lookBack
	anchor := fromUnixNano(e.anchor)
	for at := e.plan.next(from, anchor); !at.IsZero() &&
		!at.After(to); at = e.plan.next(at, anchor) {
		l.last = at
		if to.Sub(at) <= grace {
			l.isLate(at)
		} else {
			l.miss(at)
		}
		switch {
		case l.count < limit:
		case !l.partial:
			l.partial = true
			at = laterOf(at, to.Add(-grace)) // what is near the end still counts as late
		case l.count >= 2*limit:
			l.last = to
			return l
		}
	}
	if l.partial {
		l.last = to
	}
	return l
}

// isLate keeps a firing that fires now; of too many the oldest counts as missed.
func (l *lookBack) isLate(at time.Time) {
	l.late = append(l.late, at)
	if len(l.late) > runAllLimit {
		l.miss(l.late[0])
		l.late = l.late[1:]
	}
}

func (l *lookBack) miss(at time.Time) {
	l.count++
	if len(l.missed) < missedSingly+1 {
		l.missed = append(l.missed, at)
	}
	l.recent = append(l.recent, at)
	if len(l.recent) > runAllLimit {
		l.recent = l.recent[1:]
	}
}

// records returns the missed runs of a job, still without ids: one each, or one with a count.
func (l *lookBack) records(name, why string, now time.Time) []messages.Run {
	if l.count == 0 {
		return nil
	}
	if l.count <= missedSingly {
		runs := make([]messages.Run, 0, l.count)
		for _, due := range l.missed {
			runs = append(runs, missedRun(name, due, why, now))
		}
		return runs
	}
	run := missedRun(name, l.missed[0], "", now)
	atLeast := ""
	if l.partial {
		atLeast = "at least "
	}
	run.Count = l.count
	run.Reason = fmt.Sprintf("%s%d firings, the first at %s: %s", atLeast, l.count,
		stamp(l.missed[0]), why)
	return []messages.Run{run}
}

// makeUp returns the due times that the misfire policy runs now.
func (l *lookBack) makeUp(policy messages.MisfirePolicy) []time.Time {
	if l.count == 0 {
		return nil
	}
	switch policy {
	case messages.MisfireRunOnce:
		return l.recent[len(l.recent)-1:]
	case messages.MisfireRunAll:
		return l.recent
	default:
		return nil
	}
}

func missedRun(name string, due time.Time, why string, now time.Time) messages.Run {
	return messages.Run{
		ScriptName: name, Kind: messages.RunOfJob, State: messages.RunMissed, Reason: why,
		Trigger:   messages.TriggerSchedule,
		Principal: messages.OriginAgent().Principal, Attempt: 1, DueAt: due, EndedAt: now,
	}
}

// stamp writes a time for a sentence.
func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }
