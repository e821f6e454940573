package actors

import (
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// A crash is dated by the latest that is known of the life before it: here by a commit, of whatever
// it is, between two notes that the agent is alive. The newest run says nothing: it is armed and
// has not started.
func TestACrashIsDatedByTheLastRun(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("long", "@yearly", "hang"))
		w.add(job("often", "*/10 * * * * *", "exit 0"))
		w.advance(20 * time.Second)
		long := w.runNow("long")
		w.advance(9500 * time.Millisecond)
		next := w.restartAfterCrash(time.Hour)
		defer next.stop()
		next.advance(time.Second)
		const seen = "2000-01-01T00:00:29.300Z"
		if got := next.stored(long.ID); got.State != messages.RunInterrupted ||
			!strings.Contains(got.Reason, seen) {
			t.Errorf("the run is %+v", got)
		}
		for _, r := range next.expect("often", messages.RunMissed, 1) {
			if !strings.Contains(r.Reason, "was down from "+seen) {
				t.Errorf("the reason is %q", r.Reason)
			}
		}
	})
}
