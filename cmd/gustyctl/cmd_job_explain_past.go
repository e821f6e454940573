package main

import (
	"fmt"
	"strings"
	"time"

	"gusty/messages"
)

// past says how the job ran last, and which firing came to nothing since or before.
func (e *explanation) past() []string {
	last := e.lastEnded()
	var said []string
	if last != nil {
		said = append(said, e.ended(last))
	}
	for _, state := range []messages.RunState{messages.RunSkipped, messages.RunMissed} {
		for i := range e.runs[state] {
			said = append(said, e.unrun(&e.runs[state][i], last))
		}
	}
	if len(said) == 0 && len(e.runs[messages.RunRunning]) == 0 {
		said = append(said, "It has not run yet: no run of it is recorded.")
	}
	if last == nil || last.State == messages.RunSucceeded {
		return said
	}
	return append(said, e.failures(last)...)
}

// lastEnded returns the run that ended last, of those that ran or could not be started; where there
// is none, of those that were to run.
func (e *explanation) lastEnded() (last *runRecord) {
	for state, runs := range e.runs {
		if state.Active() || state == messages.RunSkipped || state == messages.RunMissed {
			continue
		}
		for i := range runs {
			if run := &runs[i]; last == nil || run.tellsMoreThan(last) {
				last = run
			}
		}
	}
	return last
}

func (r *runRecord) tellsMoreThan(other *runRecord) bool {
	if r.isNews() != other.isNews() {
		return r.isNews()
	}
	return r.end().After(other.end())
}

// isNews reports whether the run ran, or failed to.
func (r *runRecord) isNews() bool { return r.StartedAt != nil || r.State == messages.RunFailed }

// end returns when the run ended; the zero time where that is not told.
func (r *runRecord) end() time.Time {
	if r.EndedAt == nil {
		return time.Time{}
	}
	return *r.EndedAt
}

// ended says how a run went: "It last ran at …, by its schedule, and failed after 2 s: it exited
// with 3 (run …)."
func (e *explanation) ended(r *runRecord) string {
	outcome := map[messages.RunState]string{
		messages.RunSucceeded: "succeeded", messages.RunFailed: "failed",
		messages.RunTimedOut:  "ran out of time",
		messages.RunCancelled: "was cancelled", messages.RunInterrupted: "was interrupted",
	}[r.State]
	var text string
	if r.StartedAt != nil {
		text = fmt.Sprintf("It last ran at %s, %s, and %s", e.at(*r.StartedAt), r.cause(), outcome)
		if r.DurationMS != nil {
			text += " after " + humaneDuration(time.Duration(*r.DurationMS)*time.Millisecond)
		}
	} else {
		text = fmt.Sprintf("Its last run, %s, %s before it started", r.cause(), outcome)
		if r.DueAt != nil {
			text = fmt.Sprintf("Its last run, due at %s, %s, %s before it started", e.at(*r.DueAt),
				r.cause(), outcome)
		}
	}
	if r.State == messages.RunSucceeded && r.ExitCode != nil && *r.ExitCode != 0 {
		text += fmt.Sprintf(" with exit code %d, which counts as success", *r.ExitCode)
	}
	return text + because(r.Reason) + " (run " + r.ID + ")."
}

// cause says what began a run.
func (r *runRecord) cause() string {
	switch messages.Trigger(r.Trigger) {
	case messages.TriggerSchedule:
		return "by its schedule"
	case messages.TriggerAPI:
		return "asked for by hand"
	case messages.TriggerRetry:
		return fmt.Sprintf("as attempt %d", r.Attempt)
	case messages.TriggerMisfire:
		return "to make up for a missed firing"
	default:
		return "by " + r.Trigger
	}
}

// because returns a reason as the end of a sentence.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(reason, ".")
}

// unrun says which firing came to nothing, and whether that was before or after the last run.
func (e *explanation) unrun(r *runRecord, last *runRecord) string {
	when := ""
	if last != nil && last.StartedAt != nil && r.DueAt != nil {
		when = "before that, "
		if r.DueAt.After(*last.StartedAt) {
			when = "after that, "
		}
	}
	text := when + "a firing"
	if r.DueAt != nil {
		text = when + "the firing due at " + e.at(*r.DueAt)
	}
	was := " was "
	if r.Count > 1 && r.DueAt != nil {
		text = when + plural(r.Count, "firing") + ", the first due at " + e.at(*r.DueAt)
		was = ", were "
	}
	return strings.ToUpper(text[:1]) + text[1:] + was + string(r.State) + because(r.Reason) + "."
}

// failures says how many there were in a row, and whether the last one is tried again.
func (e *explanation) failures(last *runRecord) (said []string) {
	if text := e.streak(last); text != "" {
		said = append(said, text)
	}
	if last.State != messages.RunFailed && last.State != messages.RunTimedOut || e.retryWaits() {
		return said
	}
	switch {
	case e.job.MaxRetries == 0:
		said = append(said, "It is not tried again before it fires next: max_retries is 0.")
	case last.Attempt > e.job.MaxRetries:
		said = append(said,
			fmt.Sprintf("That was its last attempt: max_retries is %d.", e.job.MaxRetries))
	}
	return said
}

// streak says how often the job failed in a row; a single failure was told already. A cancelled run
// neither ends a streak nor counts.
func (e *explanation) streak(last *runRecord) string {
	const counted = 100 // the agent looks no further back
	n, text := e.state.FailureStreak, "It has failed"
	if last.State == messages.RunCancelled {
		n, text = n+1, "Before that it failed"
	}
	switch {
	case n < 2:
		return ""
	case e.state.FailureStreak >= counted:
		return fmt.Sprintf("%s at least %d times in a row.", text, counted)
	default:
		return fmt.Sprintf("%s %s in a row.", text, plural(e.state.FailureStreak, "time"))
	}
}
