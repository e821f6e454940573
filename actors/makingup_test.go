package actors

import (
	"slices"
	"testing"
	"time"

	"gusty/messages"
)

// inTurn is a job that runs longer than it is pauses between its firings, and makes up for all that
// were missed.
func inTurn(policy messages.OverlapPolicy) messages.Job {
	return job("a", "0 * * * * *", "sleep 3", func(o *messages.JobOptions) {
		o.OverlapPolicy, o.MisfirePolicy, o.MisfireGraceSeconds = policy, messages.MisfireRunAll, 0
	})
}

// missFour stops all firing while four firings fall due.
func (w *world) missFour(j messages.Job) {
	w.t.Helper()
	w.add(j)
	ask[messages.FiringSet](w, messages.SetFiring{On: false})
	w.advance(4*time.Minute + 30*time.Second)
	ask[messages.FiringSet](w, messages.SetFiring{On: true})
}

// expectInTurn fails the test where the make-ups were not carried out one after the other, in due
// order.
func (w *world) expectInTurn(n int) {
	w.t.Helper()
	runs := slices.DeleteFunc(w.inState("a", messages.RunSucceeded), func(r messages.Run) bool {
		return r.Trigger != messages.TriggerMisfire
	})
	if _, most := w.launcher.under(); len(runs) != n || most != 1 {
		w.t.Fatalf("%d were made up for, %d at once:%s", len(runs), most,
			describe(w.store.runsOf("a")))
	}
	slices.SortFunc(runs, func(a, b messages.Run) int { return a.StartedAt.Compare(b.StartedAt) })
	if !slices.IsSortedFunc(runs, func(a, b messages.Run) int { return a.DueAt.Compare(b.DueAt) }) {
		w.t.Errorf("they are out of order:%s", describe(runs))
	}
}

func TestMissedFiringsAreMadeUpForInTurn(t *testing.T) {
	for _, policy := range []messages.OverlapPolicy{messages.OverlapSkip, messages.OverlapQueue} {
		inBubble(t, nil, func(w *world) {
			w.missFour(inTurn(policy))
			w.advance(25 * time.Second)
			w.expectInTurn(4)
			w.expect("a", messages.RunSkipped, 0)
			w.expectIdle()
		})
	}
}

func TestACancelledMakeUpLetsTheNextStart(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.missFour(inTurn(messages.OverlapSkip))
		w.advance(time.Second)
		ask[messages.Run](w, messages.CancelRun{ID: w.expect("a", messages.RunRunning, 1)[0].ID})
		ask[messages.Run](w, messages.CancelRun{ID: w.expect("a", messages.RunQueued, 2)[0].ID})
		w.advance(25 * time.Second)
		w.expectInTurn(2)
		w.expect("a", messages.RunCancelled, 2)
		w.expectIdle()
	})
}

func TestADeleteTakesTheMakeUpsBack(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.missFour(inTurn(messages.OverlapSkip))
		w.advance(time.Second)
		ask[messages.JobDeleted](w, messages.DeleteJob{Name: "a"})
		w.advance(10 * time.Second)
		w.expectInTurn(1)
		w.expect("a", messages.RunSkipped, 3)
		w.expectIdle()
	})
}

func TestMakeUpsSurviveARestartOfTheExecutorsAndACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.missFour(inTurn(messages.OverlapSkip))
		w.advance(time.Second)
		_ = w.explode(nameExecutors)
		w.advance(2500 * time.Millisecond)
		w.expect("a", messages.RunInterrupted, 1)
		w.expect("a", messages.RunQueued, 2)
		next := w.restartAfterCrash(time.Second)
		defer next.stop()
		next.advance(20 * time.Second)
		next.expectInTurn(2)
		next.expect("a", messages.RunSkipped, 0)
		next.expectIdle()
	})
}
