package main

import (
	"fmt"
	"strings"
	"time"

	"gusty/messages"
)

// explanation is what is known of a job, to be said in sentences. It asks nobody: every combination
// can be tested.
type explanation struct {
	now        time.Time
	here       *time.Location // of who reads it
	job        explainedJob
	state      jobState
	preview    previewAnswer
	unreadable string                            // what is wrong with the expression
	runs       map[messages.RunState][]runRecord // the newest of each state, newest first
}

// explainedJob is what matters here of a job.
type explainedJob struct {
	Name       string                 `json:"script_name"`
	Cron       string                 `json:"cron_expression"`
	TimeZone   string                 `json:"time_zone"`
	Overlap    messages.OverlapPolicy `json:"overlap_policy"`
	Misfire    messages.MisfirePolicy `json:"misfire_policy"`
	Grace      int64                  `json:"misfire_grace_seconds"`
	Timeout    int64                  `json:"timeout_seconds"`
	MaxRetries int                    `json:"max_retries"`
	Jitter     int64                  `json:"jitter_seconds"`
}

func (e *explanation) sentences() []string {
	said := []string{e.what()}
	said = append(said, e.past()...)
	said = append(said, e.present()...)
	said = append(said, e.future()...)
	return append(said, e.policies()...)
}

// what says what the expression means.
func (e *explanation) what() string {
	if e.unreadable != "" {
		return fmt.Sprintf(
			"%s never fires: its expression %q cannot be read (%s); change it: gustyctl job update",
			e.job.Name, e.job.Cron,
			e.unreadable)
	}
	text := fmt.Sprintf("%s has the expression %s: %s", e.job.Name, e.job.Cron,
		e.preview.Description)
	switch {
	case isEvery(e.job.Cron) || isReboot(e.job.Cron):
		return text + "."
	case e.job.TimeZone == "":
		return text + ", in the time zone of the agent's host."
	default:
		return text + ", in the time zone " + e.job.TimeZone + "."
	}
}

// The expressions that have no clock time.

func isEvery(cron string) bool { return beginsWith(cron, "@every") }

func isReboot(cron string) bool { return beginsWith(cron, "@reboot") }

func beginsWith(cron, nickname string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(cron)), nickname)
}

// at returns a time as the clock here shows it, with its zone and how far away it is: "2026-01-02
// 03:04:05 CET (in 4 min)".
func (e *explanation) at(t time.Time) string {
	return t.In(e.here).Format("2006-01-02 15:04:05 MST") + " (" + distanceFrom(e.now, t) + ")"
}

// policies says what becomes of the firings that do not go as planned.
func (e *explanation) policies() []string {
	overlap := map[messages.OverlapPolicy]string{
		messages.OverlapSkip: "is skipped",
		messages.OverlapQueue: "waits until that run has ended; of several, one waits and the " +
			"others are skipped",
		messages.OverlapAllow:   "runs beside it",
		messages.OverlapReplace: "ends that run and takes its place",
	}[e.job.Overlap]
	if overlap == "" {
		overlap = "follows the overlap policy " + string(e.job.Overlap)
	}
	said := []string{"A firing that finds an earlier run still active " + overlap + "."}
	if e.unreadable != "" || isReboot(e.job.Cron) {
		return said
	}
	return append(said, fmt.Sprintf("A firing up to %s late still runs; one that is later, since "+
		"the agent was down or the host suspended, is recorded "+
		"as missed, and %s.", humaneDuration(time.Duration(e.job.Grace)*time.Second), e.misfire()))
}

// misfire says what the policy does about missed firings.
func (e *explanation) misfire() string {
	switch e.job.Misfire {
	case messages.MisfireSkip:
		return "nothing makes up for it"
	case messages.MisfireRunOnce:
		return "the last of what was missed runs then"
	case messages.MisfireRunAll:
		return "all that was missed runs then, at most the last 100 firings"
	default:
		return "the misfire policy " + string(e.job.Misfire) + " decides what runs then"
	}
}
