package actors

import (
	"fmt"
	"testing"
	"time"

	"gusty/messages"
)

// What a job's catching up records is durable together with how far that went, or a kill in between
// would have it done again.
func TestAJobCatchesUpInOneChange(t *testing.T) {
	long := time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC)
	prepare := func(w *world) {
		for i := range 30 {
			runAll := withMisfire(messages.MisfireRunAll, 60)
			w.store.putJob(job(fmt.Sprintf("job %d", i), "* * * * * *", "exit 0", runAll),
				messages.JobState{PlannedThrough: long, Anchor: long})
		}
	}
	inBubble(t, prepare, func(w *world) {
		w.advance(time.Millisecond)
		w.store.eachCommit(func(c commit) {
			planned := map[string]bool{}
			for _, row := range c.change.Rows {
				if state, ok := row.(messages.JobStateRow); ok {
					planned[state.Name] = true
				}
			}
			for _, row := range c.change.Rows {
				run, ok := row.(messages.RunRow)
				caughtUp := ok && len(c.change.Rows) > 1 && run.Run.State != messages.RunRunning
				if caughtUp && !planned[run.Run.ScriptName] {
					t.Fatalf("%s is recorded without how far it is planned", run.Run.ScriptName)
				}
			}
		})
	})
}
