package messages

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFold(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0).UTC() }
	one := func(seconds int, reason string) Run {
		return Run{State: RunSkipped, DueAt: at(seconds), EndedAt: at(seconds + 1), Reason: reason}
	}
	fold := one(3, "busy 3")
	fold.Fold([]Run{one(1, "busy 1"), one(2, "busy 2")})
	expectReason(t, &fold, "3 firings from {1} to {3} were skipped; the last: busy 3")
	if fold.Firings() != 3 || !fold.DueAt.Equal(at(1)) || !fold.EndedAt.Equal(at(4)) {
		t.Errorf("%+v", fold)
	}
	next := one(9, "busy 9")
	next.Fold([]Run{fold})
	expectReason(t, &next, "4 firings from {1} to {9} were skipped; the last: busy 9")
	next.Fold([]Run{one(0, "late")}) // one that was settled after those behind it
	expectReason(t, &next, "5 firings from {0} to {10} were skipped; the last: busy 9")
	missed := Run{
		State:   RunMissed,
		DueAt:   at(7),
		EndedAt: at(8),
		Count:   5,
		Reason:  "at least 5 firings",
	}
	later := Run{State: RunMissed, DueAt: at(20), EndedAt: at(21)}
	later.Fold([]Run{missed})
	expectReason(t, &later, "at least 6 firings from {7} to {20} were missed")
	for state, want := range map[RunState]string{
		RunCancelled:   "were cancelled before they started",
		RunInterrupted: "were interrupted, and are not known to have started",
		RunFailed:      "could not be started",
	} {
		run := Run{State: state, EndedAt: at(1)}
		run.Fold([]Run{{State: state, EndedAt: at(0)}})
		expectReason(t, &run, "2 runs from {0} to {1} "+want)
	}
}

// expectReason compares a reason, in which {7} is the time of the test's seventh second.
func expectReason(t *testing.T, run *Run, want string) {
	t.Helper()
	for second := range 30 {
		at := fmt.Sprintf("2027-01-15T08:00:%02d.000Z", second)
		want = strings.ReplaceAll(want, fmt.Sprintf("{%d}", second), at)
	}
	if run.Reason != want {
		t.Errorf("the reason is %q, want %q", run.Reason, want)
	}
}
