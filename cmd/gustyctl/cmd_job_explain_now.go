package main

import (
	"fmt"
	"time"

	"gusty/messages"
)

// present says what is under way and what waits to start.
func (e *explanation) present() (said []string) {
	running := e.runs[messages.RunRunning]
	for i := range running {
		said = append(said, e.underWay(&running[i]))
	}
	for i := range e.runs[messages.RunQueued] {
		r := &e.runs[messages.RunQueued][i]
		switch {
		case messages.Trigger(r.Trigger) == messages.TriggerRetry:
			said = append(said, e.retrying(r))
		case r.DueAt == nil || !r.DueAt.After(e.now):
			said = append(said, e.waiting(r))
		}
	}
	return said
}

func (e *explanation) underWay(r *runRecord) string {
	if r.StartedAt == nil {
		return fmt.Sprintf("A run is about to start, %s (run %s).", r.cause(), r.ID)
	}
	text := fmt.Sprintf("A run is under way since %s, %s (run %s)", e.at(*r.StartedAt), r.cause(),
		r.ID)
	if e.job.Timeout > 0 {
		text += "; it is ended at " +
			e.at(r.StartedAt.Add(time.Duration(e.job.Timeout)*time.Second)) +
			" unless it ends before"
	}
	return text + "."
}

func (e *explanation) retrying(r *runRecord) string {
	text := fmt.Sprintf("Attempt %d of at most %d waits", r.Attempt, e.job.MaxRetries+1)
	if r.DueAt != nil {
		text = fmt.Sprintf("Attempt %d of at most %d is to start at %s", r.Attempt,
			e.job.MaxRetries+1, e.at(*r.DueAt))
	}
	return text + " (run " + r.ID + ")."
}

// retryWaits reports whether a retry is recorded and has not started.
func (e *explanation) retryWaits() bool {
	for _, r := range e.runs[messages.RunQueued] {
		if messages.Trigger(r.Trigger) == messages.TriggerRetry {
			return true
		}
	}
	return false
}

// waiting says why a run that is due has not started, as far as that can be told from here.
func (e *explanation) waiting(r *runRecord) string {
	text := "A run waits to start, " + r.cause()
	if r.DueAt != nil {
		text = "A run that was due at " + e.at(*r.DueAt) + ", " + r.cause() + ", waits to start"
	}
	text += " (run " + r.ID + "): "
	queues := e.job.Overlap == messages.OverlapQueue || e.job.Overlap == messages.OverlapReplace ||
		messages.Trigger(r.Trigger) == messages.TriggerMisfire &&
			e.job.Misfire == messages.MisfireRunAll && e.job.Overlap != messages.OverlapAllow
	switch {
	case queues && len(e.runs[messages.RunRunning]) > 0:
		return text + "it starts when the run under way has ended."
	case e.job.Jitter > 0:
		return text + "jitter_seconds is " +
			humaneDuration(time.Duration(e.job.Jitter)*time.Second) +
			", or the agent has no free slot (max_concurrent_runs)."
	default:
		return text + "it is about to start, or the agent has no free slot (max_concurrent_runs)."
	}
}
