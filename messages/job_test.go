package messages

import (
	"strings"
	"testing"
	"time"
)

func validJob() Job {
	return Job{
		Name:           "nightly",
		CronExpression: "0 0 3 * * *",
		Type:           ScriptBash,
		Options:        DefaultJobOptions(),
	}
}

func TestJobValidateNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*Job)
	}{
		{"", func(*Job) {}},
		{"", func(j *Job) { j.Name = strings.Repeat("ä", 127) }},
		{"", func(j *Job) { j.Name = `a/b "c" 'd'` }},
		{"script_name", func(j *Job) { j.Name = "" }},
		{"script_name", func(j *Job) { j.Name = strings.Repeat("ä", 128) }},
		{"script_name", func(j *Job) { j.Name = "a\nb" }},
		{"script_name", func(j *Job) { j.Name = "a\xff" }},
		{"script_type", func(j *Job) { j.Type = 2 }},
		{"content", func(j *Job) { j.Content = make([]byte, MaxScriptBytes+1) }},
		{"cron_expression", func(j *Job) { j.CronExpression = strings.Repeat("1", MaxCronBytes+1) }},
		{"arguments", func(j *Job) { j.Arguments = "a\x00b" }},
		{"opensearch_index", func(j *Job) { j.OpenSearchIndex = "Upper" }},
		{"overlap_policy", func(j *Job) { j.Options.OverlapPolicy = "never" }},
		{"misfire_policy", func(j *Job) { j.Options.MisfirePolicy = "" }},
		{"misfire_grace_seconds", func(j *Job) { j.Options.MisfireGraceSeconds = -1 }},
		{"timeout_seconds", func(j *Job) { j.Options.TimeoutSeconds = MaxTimeoutSeconds + 1 }},
		{"keep_runs", func(j *Job) { j.Options.KeepRuns = 0 }},
		{"nice", func(j *Job) { j.Options.Nice = 20 }},
		{"success_exit_codes", func(j *Job) { j.Options.SuccessExitCodes = nil }},
		{"success_exit_codes", func(j *Job) { j.Options.SuccessExitCodes = []int{256} }},
		{"environment", func(j *Job) { j.Options.Environment = map[string]Secret{"A=B": "x"} }},
		{"environment", func(j *Job) { j.Options.Environment = map[string]Secret{"GUSTY_JOB": "x"} }},
	} {
		job := validJob()
		c.change(&job)
		err := AsError(job.Validate())
		switch {
		case c.field == "" && err != nil:
			t.Errorf("a valid job is refused: %v", err)
		case c.field != "" && err == nil:
			t.Errorf("%s: a bad value is taken", c.field)
		case c.field != "" && (err.Field != c.field || err.Code != CodeInvalid):
			t.Errorf("%s: got field %q, code %s", c.field, err.Field, err.Code)
		}
	}
}

func TestPatchKeepsWhatItDoesNotName(t *testing.T) {
	stored := DefaultJobOptions()
	stored.Description, stored.TimeoutSeconds = "kept", 7
	stored.Environment = map[string]Secret{"TOKEN": "s3cret", "OLD": "x"}
	timeout := 9
	patch := JobOptionsPatch{
		TimeoutSeconds: &timeout,
		Environment:    &map[string]Secret{"TOKEN": Mask, "NEW": "y", "UNKNOWN": Mask},
	}
	got := patch.Apply(stored)
	if got.Description != "kept" || got.TimeoutSeconds != 9 {
		t.Errorf("got %q and %d", got.Description, got.TimeoutSeconds)
	}
	if len(got.Environment) != 2 || got.Environment["TOKEN"].Reveal() != "s3cret" ||
		got.Environment["NEW"].Reveal() != "y" {
		t.Errorf("the environment is not merged by mask: %d names", len(got.Environment))
	}
	if stored.TimeoutSeconds != 7 || len(stored.Environment) != 2 ||
		stored.Environment["OLD"].Reveal() != "x" {
		t.Error("the stored options were changed")
	}
}

func TestStateParts(t *testing.T) {
	at := time.Unix(1000, 0)
	before := JobState{PlannedThrough: at, Anchor: at, BootID: "b", Paused: true, FailureStreak: 3}
	other := JobState{
		PlannedThrough: at.Add(1),
		Anchor:         at.Add(1),
		BootID:         "c",
		Quarantined:    true,
		Reason:         "r",
	}
	for part, want := range map[StatePart]JobState{
		WholeState: other,
		PlannedPart: {
			PlannedThrough: at.Add(1),
			Anchor:         at,
			BootID:         "b",
			Paused:         true,
			FailureStreak:  3,
		},
		PausePart: {
			PlannedThrough: at,
			Anchor:         at,
			BootID:         "b",
			Quarantined:    true,
			Reason:         "r",
			FailureStreak:  3,
		},
		BootPart: {PlannedThrough: at, Anchor: at, BootID: "c", Paused: true, FailureStreak: 3},
	} {
		if got := before.With(part, &other); got != want {
			t.Errorf("part %d: %+v, want %+v", part, got, want)
		}
	}
}
