package actors

import (
	"math/rand/v2"
	"time"

	"gusty/messages"
)

// longestRetryDelay caps the doubling.
const longestRetryDelay = time.Hour

// retry returns the task of the next attempt, or nil where there is none: only what failed or timed
// out is tried again.
func (x *execution) retry(job *messages.Job, run *messages.Run) *task {
	failed := run.State == messages.RunFailed || run.State == messages.RunTimedOut
	if job == nil || !failed || run.Kind != messages.RunOfJob ||
		run.Attempt > job.Options.MaxRetries {
		return nil
	}
	//nolint:gosec // jitter is no secret
	delay := retryDelay(time.Duration(job.Options.RetryDelaySeconds)*time.Second, run.Attempt,
		rand.Float64())
	next := messages.Run{
		ID: x.system.ids.next(), ScriptName: run.ScriptName, Kind: run.Kind,
		State: messages.RunQueued, Trigger: messages.TriggerRetry,
		Principal: run.Principal, Attempt: run.Attempt + 1, DueAt: run.EndedAt.Add(delay).UTC(),
		Reason: "retry of run " + run.ID,
	}
	return &task{run: next, at: next.DueAt, overlap: x.task.overlap}
}

// retryDelay doubles with each attempt and is capped; random, 0 to 1, spreads it over its upper
// half, so that what failed together does not come back together.
func retryDelay(first time.Duration, attempt int, random float64) time.Duration {
	delay := first
	for i := 1; i < attempt && delay < longestRetryDelay; i++ {
		delay *= 2
	}
	delay = min(delay, longestRetryDelay)
	return delay/2 + time.Duration(random*float64(delay/2))
}
