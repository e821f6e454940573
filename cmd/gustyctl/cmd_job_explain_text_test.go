package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// explained returns an explanation of a job that runs well at 02:30; each test changes what it is
// about.
func explained(t *testing.T, change func(*explanation)) []string {
	t.Helper()
	here := time.FixedZone("CET", 3600)
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, here)
	next := now.Add(14*time.Hour + 30*time.Minute)
	e := explanation{
		now: now, here: here,
		job: explainedJob{
			Name: "backup", Cron: "30 2 * * *", Overlap: messages.OverlapSkip,
			Misfire: messages.MisfireSkip, Grace: 60,
		},
		state:   jobState{Next: &next, Enabled: true, Firing: true},
		preview: previewAnswer{Description: "at 02:30 every day", Next: []time.Time{next}},
		runs:    map[messages.RunState][]runRecord{},
	}
	change(&e)
	return e.sentences()
}

// a run of the job that began so long before now.
func past(e *explanation, state messages.RunState, ago, took time.Duration) runRecord {
	began, ended, ms := e.now.Add(-ago), e.now.Add(took-ago), took.Milliseconds()
	return runRecord{
		ID: "r1", State: state, Trigger: "schedule", Attempt: 1, DueAt: &began, StartedAt: &began,
		EndedAt: &ended, DurationMS: &ms,
	}
}

func (e *explanation) add(r runRecord) { e.runs[r.State] = append(e.runs[r.State], r) }

func TestExplanation(t *testing.T) {
	const (
		what = "backup has the expression 30 2 * * *: at 02:30 every day, in the time zone of " +
			"the agent's host."
		next    = "It fires next at 2026-01-03 02:30:00 CET (in 14 h 30 min)."
		never   = "It has not run yet: no run of it is recorded."
		ran     = "It last ran at 2026-01-02 02:30:00 CET (9 h 30 min ago), by its schedule, and "
		overlap = "A firing that finds an earlier run still active is skipped."
		misfire = "A firing up to 1 min late still runs; one that is later, since the agent was " +
			"down or the host suspended, is recorded as missed, " +
			"and nothing makes up for it."
		paused = "It is paused and does not fire before it is resumed: gustyctl job resume " +
			"backup"
		meanwhile = "What falls due meanwhile is recorded as missed when it fires again, and " +
			"nothing makes up for it."
		otherwise = "Otherwise it would fire next at 2026-01-03 02:30:00 CET (in 14 h 30 min)."
		off       = "It is switched off: gustyctl job update backup --enabled switches it on. " +
			"What falls due meanwhile is not missed."
		stopped = "All firing of the agent is stopped: gustyctl job start resumes it."
		morning = 9*time.Hour + 30*time.Minute
	)
	for name, c := range map[string]struct {
		change func(*explanation)
		want   []string
	}{
		"new": {func(*explanation) {}, []string{what, never, next, overlap, misfire}},
		"well": {
			func(e *explanation) { e.add(past(e, messages.RunSucceeded, morning, 3*time.Second)) },
			[]string{what, ran + "succeeded after 3 s (run r1).", next, overlap, misfire},
		},
		"failed": {func(e *explanation) {
			r := past(e, messages.RunFailed, morning, 3*time.Second)
			r.Reason = "it exited with 3"
			e.add(r)
			e.state.FailureStreak = 4
		}, []string{
			what, ran + "failed after 3 s: it exited with 3 (run r1).",
			"It has failed 4 times in a row.",
			"It is not tried again before it fires next: max_retries is 0.", next, overlap, misfire,
		}},
		"failed, and is tried again": {func(e *explanation) {
			e.add(past(e, messages.RunFailed, 10*time.Second, 3*time.Second))
			due := e.now.Add(20 * time.Second)
			e.add(runRecord{
				ID:      "r2",
				State:   messages.RunQueued,
				Trigger: "retry",
				Attempt: 2,
				DueAt:   &due,
			})
			e.job.MaxRetries, e.state.FailureStreak = 2, 1
		}, []string{
			what, "It last ran at 2026-01-02 11:59:50 CET (10 s ago), by its schedule, and " +
				"failed after 3 s (run r1).",
			"Attempt 2 of at most 3 is to start at 2026-01-02 12:00:20 CET (in 20 s) (run r2).",
			next, overlap, misfire,
		}},
		"failed for the last time": {func(e *explanation) {
			r := past(e, messages.RunTimedOut, morning, 3*time.Second)
			r.Trigger, r.Attempt, e.job.MaxRetries = "retry", 3, 2
			e.add(r)
		}, []string{
			what, "It last ran at 2026-01-02 02:30:00 CET (9 h 30 min ago), as attempt 3, and " +
				"ran out of time after 3 s (run r1).",
			"That was its last attempt: max_retries is 2.", next, overlap, misfire,
		}},
		"could not start": {func(e *explanation) {
			r := past(e, messages.RunFailed, morning, 0)
			r.StartedAt, r.DurationMS, r.Reason = nil, nil, "bash is not in its PATH."
			e.add(r)
		}, []string{
			what, "Its last run, due at 2026-01-02 02:30:00 CET (9 h 30 min ago), by its " +
				"schedule, failed before it started: bash is not in its PATH (run r1).",
			"It is not tried again before it fires next: max_retries is 0.", next, overlap, misfire,
		}},
		"hangs, and is skipped": {func(e *explanation) {
			running := past(e, messages.RunRunning, time.Hour, 0)
			running.EndedAt = nil
			e.add(running)
			skipped := past(e, messages.RunSkipped, time.Minute, 0)
			skipped.StartedAt, skipped.Reason = nil, "previous run still active (run r1)"
			e.add(skipped)
			e.job.Timeout = 7200
		}, []string{
			what, "The firing due at 2026-01-02 11:59:00 CET (1 min ago) was skipped: previous " +
				"run still active (run r1).",
			"A run is under way since 2026-01-02 11:00:00 CET (1 h ago), by its schedule (run " +
				"r1); it is ended at 2026-01-02 13:00:00 CET (in 1 h) " +
				"unless it ends before.", next, overlap, misfire,
		}},
		"one waits for another": {func(e *explanation) {
			e.job.Overlap = messages.OverlapQueue
			running := past(e, messages.RunRunning, time.Hour, 0)
			e.add(running)
			due := e.now.Add(-time.Minute)
			e.add(runRecord{ID: "r2", State: messages.RunQueued, Trigger: "schedule", DueAt: &due})
		}, []string{
			what, "A run is under way since 2026-01-02 11:00:00 CET (1 h ago), by its schedule " +
				"(run r1).",
			"A run that was due at 2026-01-02 11:59:00 CET (1 min ago), by its schedule, waits " +
				"to start (run r2): it starts when the run under way has ended.",
			next,
			"A firing that finds an earlier run still active waits until that run has ended; of " +
				"several, one waits and the others are skipped.", misfire,
		}},
		"one makes up for a missed one, in turn": {func(e *explanation) {
			e.job.Misfire = messages.MisfireRunAll
			e.add(past(e, messages.RunRunning, time.Hour, 0))
			due := e.now.Add(-time.Minute)
			e.add(runRecord{ID: "r2", State: messages.RunQueued, Trigger: "misfire", DueAt: &due})
		}, []string{
			what, "A run is under way since 2026-01-02 11:00:00 CET (1 h ago), by its schedule " +
				"(run r1).",
			"A run that was due at 2026-01-02 11:59:00 CET (1 min ago), to make up for a missed " +
				"firing, waits to start (run r2): " +
				"it starts when the run under way has ended.",
			next, overlap, strings.Replace(misfire, "nothing makes up for it", "all that was "+
				"missed runs then, at most the last 100 firings", 1),
		}},
		"missed since": {func(e *explanation) {
			e.add(past(e, messages.RunSucceeded, morning, 3*time.Second))
			missed := past(e, messages.RunMissed, time.Hour, 0)
			missed.StartedAt, missed.Reason = nil, "the agent was down from a to b"
			e.add(missed)
		}, []string{
			what, ran + "succeeded after 3 s (run r1).",
			"After that, the firing due at 2026-01-02 11:00:00 CET (1 h ago) was missed: the " +
				"agent was down from a to b.", next, overlap, misfire,
		}},
		"missed many since": {func(e *explanation) {
			e.add(past(e, messages.RunSucceeded, morning, 3*time.Second))
			missed := past(e, messages.RunMissed, time.Hour, 0)
			missed.StartedAt, missed.Count, missed.Reason = nil, 12, "the agent was down"
			e.add(missed)
		}, []string{
			what, ran + "succeeded after 3 s (run r1).",
			"After that, 12 firings, the first due at 2026-01-02 11:00:00 CET (1 h ago), " +
				"were missed: the agent was down.", next, overlap, misfire,
		}},
		"cancelled before it started since": {func(e *explanation) {
			e.add(past(e, messages.RunSucceeded, morning, 3*time.Second))
			cancelled := past(e, messages.RunCancelled, time.Hour, 0)
			cancelled.StartedAt = nil
			e.add(cancelled)
		}, []string{what, ran + "succeeded after 3 s (run r1).", next, overlap, misfire}},
		"paused":         {func(e *explanation) { e.state.Paused = true }, []string{what, never, paused, meanwhile, otherwise, overlap, misfire}},
		"switched off":   {func(e *explanation) { e.state.Enabled, e.state.Next = false, nil }, []string{what, never, off, otherwise, overlap, misfire}},
		"all is stopped": {func(e *explanation) { e.state.Firing = false }, []string{what, never, stopped, meanwhile, otherwise, overlap, misfire}},
		"paused and so on": {
			func(e *explanation) {
				e.state.Paused, e.state.Firing, e.state.Enabled, e.state.Next =
					true, false, false, nil
			},
			[]string{what, never, paused, stopped, off, otherwise, overlap, misfire},
		},
		"quarantined": {func(e *explanation) {
			e.state.Quarantined, e.state.QuarantineReason, e.state.Next = true, "it failed 3 "+
				"times in a minute", nil
		}, []string{
			what, never, "It is quarantined: it failed 3 times in a minute. It does not fire " +
				"before it is resumed: gustyctl job resume backup",
			meanwhile, otherwise, overlap, misfire,
		}},
		"never": {
			func(e *explanation) { e.state.Next, e.preview.Next = nil, nil },
			[]string{
				what, never, "It never fires again: no time of its expression lies ahead.",
				overlap, misfire,
			},
		},
		"at reboot, paused": {
			func(e *explanation) {
				e.job.Cron, e.preview, e.state.Next, e.state.Paused = "@reboot", previewAnswer{
					Description: "once after each boot",
				}, nil, true
			},
			[]string{
				"backup has the expression @reboot: once after each boot.", never, paused,
				overlap,
			},
		},
		"@every, switched off": {
			func(e *explanation) {
				e.job.Cron, e.state.Next, e.state.Enabled = "@every 90s", nil, false
			},
			[]string{
				"backup has the expression @every 90s: at 02:30 every day.", never, off,
				overlap, misfire,
			},
		},
		"not to be read": {
			func(e *explanation) {
				e.job.Cron, e.unreadable, e.state.Next = "x", "has 1 field", nil
			},
			[]string{`backup never fires: its expression "x" cannot be read (has 1 field); change it: gustyctl job update`, never, overlap},
		},
		"elsewhere, with jitter, recorded ahead": {func(e *explanation) {
			e.job.TimeZone, e.job.Jitter = "Asia/Tokyo", 30
			ahead := e.now.Add(time.Second)
			e.add(runRecord{
				ID:      "r2",
				State:   messages.RunQueued,
				Trigger: "schedule",
				DueAt:   &ahead,
			})
		}, []string{
			"backup has the expression 30 2 * * *: at 02:30 every day, in the time zone " +
				"Asia/Tokyo.", never,
			"It fires next at 2026-01-02 12:00:01 CET (in 1 s), which is 20:00:01 in Asia/Tokyo, " +
				"and starts up to 30 s later, at random.", overlap, misfire,
		}},
		"makes up for what it missed": {
			func(e *explanation) {
				e.job.Misfire, e.job.Overlap, e.job.Grace =
					messages.MisfireRunOnce, messages.OverlapReplace, 0
			},
			[]string{
				what, never, next, "A firing that finds an earlier run still active ends that " +
					"run and takes its place.",
				"A firing up to 0 s late still runs; one that is later, since the agent was down " +
					"or the host suspended, is recorded as missed, " +
					"and the last of what was missed runs then.",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := explained(t, c.change); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
