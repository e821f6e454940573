package actors

import (
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// failing is a job that fails each minute and is tried once more 3 to 5 minutes later.
func failing(policy messages.OverlapPolicy) messages.Job {
	return job("a", "0 * * * * *", "exit 1", func(o *messages.JobOptions) {
		o.OverlapPolicy, o.MaxRetries, o.RetryDelaySeconds = policy, 1, 300
	})
}

func TestAFiringIsSkippedWhileTheNextAttemptWaits(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapSkip))
		w.advance(2*time.Minute + 30*time.Second)
		attempt := w.expect("a", messages.RunQueued, 1)[0]
		skipped := w.expect("a", messages.RunSkipped, 1)[0]
		want := "previous run still active (its next attempt, run " + attempt.ID + ", is due at " +
			stamp(attempt.DueAt) + ")"
		if skipped.Reason != want {
			t.Errorf("the reason is %q, want %q", skipped.Reason, want)
		}
		w.advance(5 * time.Minute)
		if got := w.stored(attempt.ID); got.State != messages.RunFailed || got.Attempt != 2 {
			t.Errorf("the attempt is %+v", got)
		}
	})
}

func TestOneFiringWaitsBehindTheNextAttempt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapQueue))
		w.advance(3*time.Minute + 20*time.Second)
		queued := w.expect("a", messages.RunQueued, 2)
		attempt, behind := queued[0], queued[1]
		if behind.DueAt.Minute() != 2 || behind.Armed {
			t.Errorf("what waits behind the attempt is %+v", behind)
		}
		if skipped := w.expect("a", messages.RunSkipped, 1)[0]; !strings.Contains(skipped.Reason,
			"one run is waiting already (run "+behind.ID+")") {
			t.Errorf("the next one is %+v", skipped)
		}
		w.advance(3 * time.Minute)
		first, second := w.stored(attempt.ID), w.stored(behind.ID)
		if second.State != messages.RunFailed || second.StartedAt.Before(first.EndedAt) {
			t.Errorf("the attempt is %+v, what waited behind it %+v", first, second)
		}
	})
}

func TestAFiringReplacesTheNextAttempt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapReplace))
		w.advance(2*time.Minute + 30*time.Second)
		failed := w.expect("a", messages.RunFailed, 2)
		if cancelled := w.expect("a", messages.RunCancelled, 1)[0]; cancelled.Attempt != 2 ||
			cancelled.Reason != "replaced by run "+failed[1].ID {
			t.Errorf("the attempt is %+v", cancelled)
		}
	})
}

func TestFiringsGoOnBesideTheNextAttempt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapAllow))
		w.advance(2*time.Minute + 30*time.Second)
		w.expect("a", messages.RunFailed, 2)
		w.expect("a", messages.RunQueued, 2)
	})
}

func TestWhatWaitsBehindACancelledAttemptStarts(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(failing(messages.OverlapQueue))
		w.advance(2*time.Minute + 30*time.Second)
		queued := w.expect("a", messages.RunQueued, 2)
		ask[messages.Run](w, messages.CancelRun{ID: queued[0].ID})
		w.advance(time.Second)
		if got := w.stored(queued[1].ID); got.State != messages.RunFailed {
			t.Errorf("it is %+v", got)
		}
	})
}
