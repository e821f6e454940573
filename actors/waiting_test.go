package actors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

func TestAFiringThatCannotStartInItsTimeIsMissed(t *testing.T) {
	for policy, madeUp := range map[messages.MisfirePolicy]int{
		messages.MisfireSkip:    0,
		messages.MisfireRunOnce: 1,
	} {
		inBubble(t, nil, func(w *world) {
			w.add(job("a", "0 0 * * * *", "exit 0", withMisfire(policy, 20)))
			w.advance(time.Hour - 500*time.Millisecond)
			letGo := w.holdUp(nameExecutors)
			w.advance(30 * time.Second)
			letGo()
			w.advance(time.Second)
			missed := w.expect("a", messages.RunMissed, 1)[0]
			if missed.DueAt.Hour() != 1 ||
				!strings.Contains(missed.Reason, "only 29.5s after its time, and 20s are allowed") {
				t.Errorf("%s: it is %+v", policy, missed)
			}
			if n := made(w.expect("a", messages.RunSucceeded, madeUp),
				messages.TriggerMisfire); n != madeUp {
				t.Errorf("%s: %d were made up for", policy, n)
			}
			w.store.eachCommit(func(c commit) {
				if rows := len(c.change.Rows); holdsMissed(c.change) && rows != 1+madeUp {
					t.Errorf("%s: it is recorded as missed in a change of %d rows", policy, rows)
				}
			})
		})
	}
}

// holdsMissed reports whether a change records a missed run.
func holdsMissed(c messages.Change) bool {
	return slices.ContainsFunc(c.Rows, func(row messages.Row) bool {
		run, ok := row.(messages.RunRow)
		return ok && run.Run.State == messages.RunMissed
	})
}

// A gap that swallows an armed firing and some that were not is made up for once.
func TestRunOnceMakesUpOnceForAGap(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireRunOnce, 10)))
		w.advance(time.Minute - 500*time.Millisecond)
		executors, scheduler := w.holdUp(nameExecutors), w.holdUp(nameScheduler)
		w.advance(3*time.Minute + 30*time.Second)
		executors()
		scheduler()
		w.advance(time.Second)
		w.expect("a", messages.RunMissed, 4)
		if n := made(w.expect("a", messages.RunSucceeded, 1), messages.TriggerMisfire); n != 1 {
			t.Errorf("%d were made up for", n)
		}
	})
}

// withOneSlot runs an agent that runs one process at a time.
func withOneSlot(w *world) {
	w.store.parameters[messages.ParamMaxConcurrentRuns] = strconv.Itoa(1)
}

func TestWhatWaitsForASlotStartsHoweverLate(t *testing.T) {
	inBubble(t, withOneSlot, func(w *world) {
		w.add(job("long", "@yearly", "sleep 600"))
		w.add(job("a", "0 0 * * * *", "exit 0", withMisfire(messages.MisfireSkip, 5)))
		w.advance(time.Hour - 10*time.Second)
		w.runNow("long")
		w.advance(2 * time.Minute)
		if waiting := w.expect("a", messages.RunQueued, 1)[0]; waiting.Armed {
			t.Error("its record does not say that it only waits")
		}
		w.advance(10 * time.Minute)
		w.expect("a", messages.RunSucceeded, 1)
	})
}

func TestWhatWaitedForASlotAfterACrash(t *testing.T) {
	for _, c := range []struct {
		policy messages.MisfirePolicy
		down   time.Duration
		state  messages.RunState
	}{
		{messages.MisfireSkip, 10 * time.Second, messages.RunSucceeded},
		{messages.MisfireSkip, 10 * time.Minute, messages.RunMissed},
		{messages.MisfireRunOnce, 10 * time.Minute, messages.RunSucceeded},
	} {
		inBubble(t, withOneSlot, func(w *world) {
			w.add(job("long", "@yearly", "sleep 600"))
			w.add(job("a", "0 0 * * * *", "exit 0", withMisfire(c.policy, 60)))
			w.advance(time.Hour - 10*time.Second)
			w.runNow("long")
			w.advance(5 * time.Minute)
			waiting := w.expect("a", messages.RunQueued, 1)[0]
			next := w.restartAfterCrash(c.down)
			defer next.stop()
			next.advance(time.Second)
			if got := next.stored(waiting.ID); got.State != c.state {
				t.Errorf("%s, down for %s: it is %+v", c.policy, c.down, got)
			}
		})
	}
}

// What happens meanwhile does not put off that the records of those that wait for a slot say so.
func TestRunsThatEndDoNotPutOffTheNoteOfWaiting(t *testing.T) {
	inBubble(t, withOneSlot, func(w *world) {
		for i := range 8 {
			w.add(job(fmt.Sprintf("job %d", i), "0 * * * * *", "sleep 1"))
		}
		w.advance(time.Minute + noteAfter + 500*time.Millisecond)
		for _, r := range w.inState("", messages.RunQueued) {
			if r.Armed {
				t.Errorf("the record of %s says that it starts", r.ScriptName)
			}
		}
	})
}
