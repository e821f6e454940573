package messages

import (
	"fmt"
	"strings"
	"time"
)

// Firings returns how many firings, or runs, the record stands for.
func (r *Run) Firings() int { return max(r.Count, 1) }

// Ran reports whether the run's process was started, as far as its record tells.
func (r *Run) Ran() bool {
	switch r.State {
	case RunRunning, RunSucceeded, RunTimedOut:
		return true
	case RunFailed, RunCancelled, RunInterrupted:
		o := &r.Output
		return !r.StartedAt.IsZero() || o.StdoutBytes+o.StderrBytes != 0 || o.InFile
	default:
		return false
	}
}

// The parts of the reason of a record that stands for several.
const (
	foldedLast    = "; the last: "
	foldedAtLeast = "at least "
	foldedTime    = "2006-01-02T15:04:05.000Z"
)

// Fold lets the record of a run that did not run stand for older ones that ended in the same state,
// too. The older ones come oldest first. Its count is the sum of theirs, it is due when the first
// of them was, and its reason tells of all and what befell the last.
func (r *Run) Fold(older []Run) {
	first, last := r.dueOrEnded(), r.dueOrEnded()
	if r.Count > 1 {
		last = r.EndedAt
	}
	count, atLeast := r.Firings(), strings.HasPrefix(r.Reason, foldedAtLeast)
	for i := range older {
		o := &older[i]
		count += o.Firings()
		atLeast = atLeast || strings.HasPrefix(o.Reason, foldedAtLeast)
		first, last = earlierOf(first, o.dueOrEnded()), laterOf(last, o.dueOrEnded())
	}
	r.Count, r.Reason, r.DueAt = count, r.foldedReason(count, atLeast, first, last), first
}

// dueOrEnded returns when the run was due; of one that has no such time, when it ended.
func (r *Run) dueOrEnded() time.Time {
	if r.DueAt.IsZero() {
		return r.EndedAt
	}
	return r.DueAt
}

func (r *Run) foldedReason(count int, atLeast bool, first, last time.Time) string {
	what, became := "runs", "ended so"
	switch r.State {
	case RunSkipped:
		what, became = "firings", "were skipped"
	case RunMissed:
		what, became = "firings", "were missed"
	case RunCancelled:
		became = "were cancelled before they started"
	case RunInterrupted:
		became = "were interrupted, and are not known to have started"
	case RunFailed:
		became = "could not be started"
	default:
	}
	prefix := ""
	if atLeast {
		prefix = foldedAtLeast
	}
	from, to := first.UTC().Format(foldedTime), last.UTC().Format(foldedTime)
	text := fmt.Sprintf("%s%d %s from %s to %s %s", prefix, count, what, from, to, became)
	own := r.Reason
	if _, after, found := strings.Cut(own, foldedLast); found && r.Count > 1 {
		own = after
	}
	if own != "" {
		text += foldedLast + own
	}
	return text
}

func earlierOf(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
