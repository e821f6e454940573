package actors

import (
	"fmt"
	"testing"
	"time"

	"gusty/messages"
)

// TestStreakIsOfRunsThatRan: what did not run neither hides the last run, nor ends or lengthens a
// streak of failures.
func TestStreakIsOfRunsThatRan(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	inBubble(t, nil, func(w *world) {
		w.add(job("job", "@yearly", "exit 0"))
		number := 0
		put := func(state messages.RunState, count int, started bool) string {
			number++
			at := begin.Add(time.Duration(number) * time.Minute)
			run := messages.Run{
				ID: fmt.Sprintf("0%035d", number), ScriptName: "job", Kind: messages.RunOfJob,
				State: state, Count: count, DueAt: at, EndedAt: at,
			}
			if started {
				run.StartedAt = at
			}
			w.store.putRun(run)
			return run.ID
		}
		standing := func() messages.JobStanding {
			return ask[messages.JobStanding](w, messages.GetJobState{Name: "job"})
		}
		put(messages.RunSucceeded, 0, true)
		put(messages.RunFailed, 7, false)
		last := put(messages.RunFailed, 0, true)
		for range 2 * streakLimit {
			put(messages.RunSkipped, 0, false)
		}
		put(messages.RunCancelled, 30, false)
		put(messages.RunInterrupted, 0, false)
		got := standing()
		if got.LastRun == nil || got.LastRun.ID != last || got.State.FailureStreak != 8 {
			t.Errorf("%+v", got)
		}
		put(messages.RunFailed, 500, false)
		if got := standing(); got.State.FailureStreak != streakLimit {
			t.Errorf("%+v", got)
		}
		put(messages.RunSucceeded, 0, true)
		if got := standing(); got.State.FailureStreak != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestFoldedFailuresFromBeforeASuccessDoNotCount: a record that stands for several failures began
// before a run that succeeded.
func TestFoldedFailuresFromBeforeASuccessDoNotCount(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0) }
	runs := []messages.Run{
		{State: messages.RunFailed, Count: 9, DueAt: at(1), EndedAt: at(5)},
		{State: messages.RunSucceeded, StartedAt: at(3), EndedAt: at(4)},
	}
	var standing messages.JobStanding
	if summarize(&standing, runs); standing.State.FailureStreak != 1 {
		t.Errorf("%+v", standing)
	}
}
