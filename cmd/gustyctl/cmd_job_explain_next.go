package main

import (
	"cmp"
	"fmt"
	"time"

	"gusty/messages"
)

// future says when the job fires next, or everything that keeps it from firing.
func (e *explanation) future() []string {
	if e.unreadable != "" {
		return nil
	}
	said := e.obstacles()
	if len(said) == 0 {
		return []string{e.next()}
	}
	if at := e.wouldFire(); !at.IsZero() {
		said = append(said, "Otherwise it would fire next at "+e.at(at)+".")
	}
	return said
}

// obstacles says what keeps the job from firing, how to lift it, and what becomes of what falls due
// meanwhile.
func (e *explanation) obstacles() (said []string) {
	if e.state.Quarantined {
		said = append(said, fmt.Sprintf("It is quarantined%s. It does not fire before it is "+
			"resumed: gustyctl job resume %s",
			because(e.state.QuarantineReason), e.job.Name))
	}
	if e.state.Paused {
		said = append(said, "It is paused and does not fire before it is resumed: gustyctl job "+
			"resume "+e.job.Name)
	}
	if !e.state.Firing {
		said = append(said, "All firing of the agent is stopped: gustyctl job start resumes it.")
	}
	if !e.state.Enabled {
		return append(said, "It is switched off: gustyctl job update "+e.job.Name+
			" --enabled switches it on. What falls due meanwhile is not missed.")
	}
	if len(said) > 0 && !isReboot(e.job.Cron) {
		said = append(said, "What falls due meanwhile is recorded as missed when it fires again, "+
			"and "+e.misfire()+".")
	}
	return said
}

// atReboot says when an expression fires that has no times.
const atReboot = "when the agent starts for the first time in a boot of its host"

// next says when the job fires next where nothing keeps it from firing.
func (e *explanation) next() string {
	at := e.nextDue()
	switch {
	case at.IsZero() && isReboot(e.job.Cron):
		return "It fires " + atReboot + "."
	case at.IsZero():
		return "It never fires again: no time of its expression lies ahead."
	}
	text := "It fires next at " + e.at(at)
	if there, err := time.LoadLocation(cmp.Or(e.job.TimeZone, "Local")); e.job.TimeZone != "" &&
		err == nil && !sameClock(at, there, e.here) {
		text += ", which is " + at.In(there).Format("15:04:05") + " in " + e.job.TimeZone
	}
	if e.job.Jitter > 0 {
		text += ", and starts up to " + humaneDuration(time.Duration(e.job.Jitter)*time.Second) +
			" later, at random"
	}
	return text + "."
}

func sameClock(at time.Time, a, b *time.Location) bool {
	_, offsetA := at.In(a).Zone()
	_, offsetB := at.In(b).Zone()
	return offsetA == offsetB
}

// nextDue returns the next firing: the one that is recorded ahead of its time, else the one that is
// planned. Zero: none.
func (e *explanation) nextDue() (at time.Time) {
	if e.state.Next != nil {
		at = *e.state.Next
	}
	for _, r := range e.runs[messages.RunQueued] {
		ahead := messages.Trigger(r.Trigger) == messages.TriggerSchedule && r.DueAt != nil &&
			r.DueAt.After(e.now)
		if ahead && (at.IsZero() || r.DueAt.Before(at)) {
			at = *r.DueAt
		}
	}
	return at
}

// wouldFire returns the next firing of a job that something keeps from firing. That of @every
// counts from an anchor that only the agent knows.
func (e *explanation) wouldFire() time.Time {
	if at := e.nextDue(); !at.IsZero() || isEvery(e.job.Cron) || len(e.preview.Next) == 0 {
		return at
	}
	return e.preview.Next[0]
}
