package actors

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gusty/messages"
)

// afterKill starts another agent on what a killed one leaves, after down.
func (w *world) afterKill(down time.Duration) *world {
	store := w.store.afterKill()
	next := newWorldOn(w.t, store)
	next.options.BootID, next.bubble = w.options.BootID, true
	w.stop()
	w.advance(down)
	return next.start()
}

// afterStop starts another agent on what one leaves that was stopped in order, on another boot of
// the host, where nothing is known of starts.
func (w *world) afterStop() *world {
	w.stop()
	next := newWorldOn(w.t, w.store.afterCrash())
	next.options.BootID, next.bubble = "another", true
	return next.start()
}

// herd lets three jobs be due at one minute, for one slot, each for a while.
func herd(w *world, takes string, with ...func(*messages.JobOptions)) {
	for i := range 3 {
		w.add(job(fmt.Sprintf("job %d", i), "0 * * * * *", takes, with...))
	}
}

func TestAfterAKillOnlyWhatWasStartedIsInDoubt(t *testing.T) {
	for _, policy := range []messages.MisfirePolicy{
		messages.MisfireSkip, messages.MisfireRunOnce, messages.MisfireRunAll,
	} {
		inBubble(t, withOneSlot, func(w *world) {
			herd(w, "sleep 1", withMisfire(policy, 60))
			w.advance(time.Minute + 1500*time.Millisecond) // one has run, one runs, one waits
			next := w.afterKill(10 * time.Second)
			defer next.stop()
			next.advance(5 * time.Second)
			next.expect("", messages.RunInterrupted, 1)
			next.expect("", messages.RunSucceeded, 2)
			next.expect("", messages.RunMissed, 0)
			started := 0
			for i := range 3 {
				started += len(next.launcher.of(fmt.Sprintf("job %d", i)))
			}
			if started != 1 {
				t.Errorf("%s: %d were started after the kill", policy, started)
			}
		})
	}
}

func TestAnOrderedStopLeavesNoDoubt(t *testing.T) {
	for _, at := range []time.Duration{-500 * time.Millisecond, 0, 500 * time.Millisecond} {
		inBubble(t, withOneSlot, func(w *world) {
			herd(w, "sleep 1", withMisfire(messages.MisfireRunOnce, 0))
			w.advance(time.Minute + at)
			next := w.afterStop()
			defer next.stop()
			next.advance(10 * time.Second)
			ran := len(next.expect("", messages.RunSucceeded, 3))
			if n := len(next.store.runsOf("")); n != ran {
				t.Errorf("stopped at %s: %d records of %d runs", at, n, ran)
			}
		})
	}
}

func TestWhatAStopLeavesBesideFirings(t *testing.T) {
	inBubble(t, withOneSlot, func(w *world) {
		w.add(job("holds", "@yearly", "sleep 2"))
		w.add(job("by hand", "@yearly", "exit 0"))
		w.runNow("holds")
		w.runNow("by hand")
		script := job("script", "", "exit 0")
		accepted := ask[messages.RunAccepted](w, messages.ExecuteScript{Job: script, Async: true})
		told := make(chan any, 1)
		go func() {
			reply, _ := w.sys.Ask(context.Background(), messages.ExecuteScript{Job: script})
			told <- reply
		}()
		w.advance(time.Second)
		next := w.afterStop()
		defer next.stop()
		if done, ok := (<-told).(messages.RunFinished); !ok || done.Run.Reason != whyStoppedBefore {
			t.Errorf("who waits is told %+v", done)
		}
		next.advance(time.Second)
		next.expect("holds", messages.RunSucceeded, 1)
		next.expect("by hand", messages.RunSucceeded, 1)
		if r := next.stored(accepted.Run.ID); r.State != messages.RunSucceeded {
			t.Errorf("the script that was accepted: %+v", r)
		}
	})
}
