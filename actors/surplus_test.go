package actors

import (
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// crowded lets a job be due each minute for ten minutes while another one holds the only slot, and
// frees that at last.
func crowded(t *testing.T, j messages.Job, check func(w *world)) {
	t.Helper()
	inBubble(t, withOneSlot, func(w *world) {
		w.add(job("long", "@yearly", "sleep 660"))
		w.add(j)
		w.advance(10 * time.Second)
		w.runNow("long")
		w.advance(10 * time.Minute)
		check(w)
		w.advance(time.Minute)
		w.expect(j.Name, messages.RunQueued, 0)
	})
}

func TestFiringsThatWaitForASlotDoNotPileUp(t *testing.T) {
	for policy, want := range map[messages.OverlapPolicy]string{
		messages.OverlapSkip:    "previous run still waits for a slot (run ",
		messages.OverlapQueue:   "a run is waiting already (run ",
		messages.OverlapReplace: "replaced by run ",
	} {
		crowded(t, job("a", "0 * * * * *", "exit 0", overlapping(policy)), func(w *world) {
			waiting := w.expect("a", messages.RunQueued, 1)[0]
			if last := waiting.DueAt.Minute() == 10; last != (policy == messages.OverlapReplace) {
				t.Errorf("%s: what waits was due at %s", policy, waiting.DueAt)
			}
			for _, r := range w.expect("a", messages.RunSkipped, 9) {
				if !strings.HasPrefix(r.Reason, want) {
					t.Errorf("%s: %s", policy, r.Reason)
				}
			}
		})
	}
	crowded(t, job("a", "0 * * * * *", "exit 0", overlapping(messages.OverlapAllow)),
		func(w *world) {
			w.expect("a", messages.RunQueued, 10)
		})
}

func TestAFiringReplacesTheRunThatHoldsTheLastSlot(t *testing.T) {
	inBubble(t, withOneSlot, func(w *world) {
		w.add(job("a", "0 * * * * *", "hang", overlapping(messages.OverlapReplace)))
		w.advance(3*time.Minute + 30*time.Second)
		w.expect("a", messages.RunCancelled, 2)
		w.expect("a", messages.RunRunning, 1)
		w.expect("a", messages.RunQueued, 0)
	})
}

func TestARunUnderWaySkipsAFiringThatWouldWaitForASlot(t *testing.T) {
	inBubble(t, withOneSlot, func(w *world) {
		w.add(job("a", "0 * * * * *", "hang"))
		w.advance(3*time.Minute + 30*time.Second)
		running := w.expect("a", messages.RunRunning, 1)[0]
		for _, r := range w.expect("a", messages.RunSkipped, 2) {
			if r.Reason != "previous run still active (run "+running.ID+")" {
				t.Errorf("%s", r.Reason)
			}
		}
	})
}

func TestAnAttemptDoesNotFollowInAJobThatIsPaused(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapSkip))
		w.advance(90 * time.Second)
		attempt := w.expect("a", messages.RunQueued, 1)[0]
		ask[messages.JobStanding](w, messages.SetJobPaused{Name: "a", Paused: true})
		w.advance(10 * time.Minute)
		if got := w.stored(attempt.ID); got.State != messages.RunSkipped ||
			got.Reason != whyPaused {
			t.Errorf("the attempt is %+v", got)
		}
	})
}

func TestWhatWaitsBehindAnAttemptGoesWithIt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapQueue))
		w.advance(2*time.Minute + 30*time.Second)
		w.expect("a", messages.RunQueued, 2)
		ask[messages.JobStanding](w, messages.SetJobPaused{Name: "a", Paused: true})
		w.advance(time.Second)
		for _, r := range w.expect("a", messages.RunSkipped, 2) {
			if r.Reason != whyPaused {
				t.Errorf("%+v", r)
			}
		}
		w.expectIdle()
	})
}

func TestTwoAttemptsOfOneJobWait(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapSkip))
		w.advance(90 * time.Second)
		w.runNow("a")
		attempts := w.expect("a", messages.RunQueued, 2)
		ask[messages.Run](w, messages.CancelRun{ID: attempts[0].ID})
		w.advance(time.Minute)
		skipped := w.expect("a", messages.RunSkipped, 1)[0]
		if !strings.Contains(skipped.Reason, attempts[1].ID) {
			t.Errorf("%s", skipped.Reason)
		}
	})
}

func TestARebootThatWasStoppedIsMissed(t *testing.T) {
	for policy, runs := range map[messages.MisfirePolicy]int{
		messages.MisfireSkip:    0,
		messages.MisfireRunOnce: 1,
	} {
		inBubble(t, nil, func(w *world) {
			w.add(job("a", "@reboot", "exit 0", withMisfire(policy, 60)))
			ask[messages.FiringSet](w, messages.SetFiring{On: false})
			next := w.restartAfterCrash(time.Minute)
			defer next.stop()
			next.advance(time.Minute)
			ask[messages.FiringSet](next, messages.SetFiring{On: true})
			next.advance(time.Minute)
			if missed := next.expect("a", messages.RunMissed,
				1)[0]; !strings.HasPrefix(missed.Reason, "all firing was stopped from ") {
				t.Errorf("%s", missed.Reason)
			}
			next.expect("a", messages.RunSucceeded, runs)
		})
	}
}
