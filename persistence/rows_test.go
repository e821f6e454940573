package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gusty/messages"
)

func TestJobRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	anchor := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	job := testJob("nightly \"backup\" ä/..")
	job.Options.Environment = map[string]messages.Secret{"TOKEN": "t0ken", "HOME": "/root"}
	job.Options.SuccessExitCodes = []int{0, 3, 255}
	job.Options.Nice, job.Options.KillRemaining, job.Options.Enabled = -5, true, false
	c := commit(t, s, messages.JobRow{Job: job, Expect: messages.ExpectAbsent, AnchorAt: anchor})
	if !reflect.DeepEqual(*c.Job, job) {
		t.Errorf("stored %+v, want %+v", *c.Job, job)
	}
	if want := (messages.JobState{Anchor: anchor, PlannedThrough: anchor}); c.State != want {
		t.Errorf("state %+v, want %+v", c.State, want)
	}
	s = reopen(t, s)
	got, err := s.Job(job.Name)
	if err != nil || !reflect.DeepEqual(got, job) {
		t.Errorf("read %+v (%v), want %+v", got, err, job)
	}
	if c := try(s, messages.JobRow{
		Job:    job,
		Expect: messages.ExpectAbsent,
	}); messages.CodeOf(c.Err) != messages.CodeExists {
		t.Errorf("stored twice: %v", c.Err)
	}
	if c := try(s, messages.JobRow{
		Job:    testJob("none"),
		Expect: messages.ExpectPresent,
	}); messages.CodeOf(c.Err) != messages.CodeNotFound {
		t.Errorf("replaced what is not there: %v", c.Err)
	}
}

func TestJobPatch(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("patched")
	env := map[string]messages.Secret{"TOKEN": "t0ken", "GONE": "x"}
	timeout, description := 30, "about it"
	commit(t, s, messages.JobRow{
		Job:   job,
		Patch: &messages.JobOptionsPatch{Environment: &env, TimeoutSeconds: &timeout},
	})
	masked := map[string]messages.Secret{"TOKEN": messages.Mask, "NEW": "n"}
	commit(t, s, messages.JobRow{
		Job:   job,
		Patch: &messages.JobOptionsPatch{Environment: &masked, Description: &description},
	})
	want := messages.DefaultJobOptions()
	want.Environment = map[string]messages.Secret{"TOKEN": "t0ken", "NEW": "n"}
	want.TimeoutSeconds, want.Description = 30, description
	if got, err := s.Job("patched"); err != nil || !reflect.DeepEqual(got.Options, want) {
		t.Errorf("got %+v (%v), want %+v", got.Options, err, want)
	}
	whole := job
	whole.Options.Environment = map[string]messages.Secret{"TOKEN": messages.Mask}
	c := commit(t, s, messages.JobRow{Job: whole})
	if c.Job.Options.Environment["TOKEN"] != "t0ken" ||
		whole.Options.Environment["TOKEN"] != messages.Mask {
		t.Error("a masked value did not keep the stored one")
	}
}

func TestExpressionResetsTheState(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("job")
	first, second := time.Unix(1000, 0).UTC(), time.Unix(2000, 0).UTC()
	commit(t, s, messages.JobRow{Job: job, AnchorAt: first})
	state := messages.JobState{
		Anchor: first, PlannedThrough: second, Paused: true, Quarantined: true, Reason: "r",
		FailureStreak: 7, BootID: "b", LastRunID: testRunID(1),
	}
	commit(t, s, messages.JobStateRow{Name: "job", State: state})
	if c := commit(t, s, messages.JobRow{Job: job, AnchorAt: second}); c.State != state {
		t.Errorf("the same expression changed the state to %+v", c.State)
	}
	job.CronExpression = "@daily"
	want := messages.JobState{Anchor: second, PlannedThrough: second, Paused: true}
	if c := commit(t, s, messages.JobRow{Job: job, AnchorAt: second}); c.State != want {
		t.Errorf("got %+v, want %+v", c.State, want)
	}
	c := commit(t, s, messages.JobRow{Job: job}, messages.JobStateRow{Name: "job", State: state})
	if c.State != state {
		t.Errorf("a state in the same change gave %+v", c.State)
	}
}

func TestAPartOfTheStateLeavesTheRest(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.JobRow{Job: testJob("job")})
	before := messages.JobState{
		Anchor: time.Unix(1000, 0).UTC(), PlannedThrough: time.Unix(2000, 0).UTC(), BootID: "b",
		Paused: true, Reason: "r", FailureStreak: 7,
	}
	other := messages.JobState{
		PlannedThrough: time.Unix(3000, 0).UTC(),
		BootID:         "c",
		Quarantined:    true,
		Reason:         "q",
	}
	for part, want := range map[messages.StatePart]messages.JobState{
		messages.PlannedPart: before.With(messages.PlannedPart, &other),
		messages.PausePart:   before.With(messages.PausePart, &other),
		messages.BootPart:    before.With(messages.BootPart, &other),
		messages.WholeState:  other,
	} {
		commit(t, s, messages.JobStateRow{Name: "job", State: before})
		commit(t, s, messages.JobStateRow{Name: "job", State: other, Part: part})
		if got, err := s.JobState("job"); err != nil || got != want {
			t.Errorf("part %d: got %+v, %v; want %+v", part, got, err, want)
		}
	}
}

func TestJobGone(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.JobRow{Job: testJob("job")},
		messages.RunRow{Run: testRun(1, "job", messages.RunSucceeded)})
	commit(t, s, messages.JobGone{Name: "job"})
	if _, err := s.Job("job"); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("Job: %v", err)
	}
	if _, err := s.JobState("job"); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("JobState: %v", err)
	}
	if run, err := s.LastRun("job"); err != nil || run == nil {
		t.Errorf("its run went, too: %v, %v", run, err)
	}
	if c := try(s, messages.JobGone{Name: "job"}); messages.CodeOf(c.Err) != messages.CodeNotFound {
		t.Errorf("deleted twice: %v", c.Err)
	}
	commit(t, s, messages.JobStateRow{Name: "job", State: messages.JobState{Paused: true}})
	if c := commit(t, s, messages.JobRow{Job: testJob("job")}); c.State.Paused {
		t.Error("a state was kept for a job that was gone")
	}
}

func TestRunRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	code := 0
	run := testRun(7, "job", messages.RunFailed)
	run.Reason, run.Principal, run.Attempt, run.PID, run.PIDStart, run.Count =
		"a reason", "Admin", 3, 4711, 99, 5
	run.StartedAt, run.EndedAt, run.ExitCode, run.Signal, run.Armed = run.DueAt, run.DueAt.Add(
		time.Second), &code, "SIGKILL", true
	run.Usage = messages.Usage{
		CPUUser:     time.Second,
		CPUSystem:   time.Millisecond,
		MaxRSSBytes: 1 << 40,
	}
	run.Output = messages.OutputSummary{
		StdoutBytes: 2, StderrBytes: 1 << 33, StdoutTruncated: true, StderrTruncated: true,
		InFile: true,
		Inline: []messages.OutputChunk{{
			Stream: messages.Stdout,
			At:     run.DueAt,
			Data:   []byte{0, 255},
		}, {Stream: messages.Stderr, Skipped: 9}},
	}
	commit(t, s, messages.RunRow{Run: run})
	if got, err := s.Run(run.ID); err != nil || !reflect.DeepEqual(got, run) {
		t.Errorf("got %+v (%v), want %+v", got, err, run)
	}
	if _, err := s.Run(testRunID(8)); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("no such run: %v", err)
	}
	if _, err := s.Run("x"); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("no id: %v", err)
	}
	if c := try(s, messages.RunRow{Run: messages.Run{
		ID:    "x",
		State: messages.RunQueued,
	}}); messages.CodeOf(c.Err) != messages.CodeInvalid {
		t.Errorf("stored a run without an id: %v", c.Err)
	}
}

func TestParameterRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.ParameterRow{
		Name:  messages.ParamLogLevel,
		Local: "debug",
	}, messages.ParameterRow{Name: "unheard_of", Local: "x"})
	rows := map[string]messages.StoredParameter{}
	if _, err := s.LoadParameters(func(p messages.StoredParameter) error {
		rows[p.Name] = p
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := rows[messages.ParamLogLevel]; got.Local != "debug" || got.Global != "info" {
		t.Errorf("got %+v", got)
	}
	if rows["unheard_of"].Local != "x" || len(rows) != len(messages.Parameters())+1 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestUserRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	user := messages.User{
		Name:     "Admin",
		Hash:     "$2a$10$first",
		Scopes:   []messages.Scope{messages.ScopeRead, messages.ScopeJobs},
		Disabled: true,
	}
	if c := try(s, messages.UserRow{
		User:     user,
		OnlyHash: true,
	}); messages.CodeOf(c.Err) != messages.CodeNotFound {
		t.Errorf("a hash for nobody: %v", c.Err)
	}
	commit(t, s, messages.UserRow{User: user, Expect: messages.ExpectAbsent})
	commit(t, s, messages.UserRow{
		User:     messages.User{Name: "Admin", Hash: "$2a$10$second"},
		OnlyHash: true,
	})
	user.Hash, user.Disabled = "$2a$10$second", false
	var got []messages.User
	if _, err := s.LoadUsers(func(u messages.User) error {
		got = append(got, u)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, []messages.User{user}) {
		t.Errorf("got %+v", got)
	}
}

func TestSettingRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.SettingRow{
		Name:  "a",
		Value: []byte("x"),
	}, messages.SettingRow{Name: "empty", Value: []byte{}})
	if v, err := s.Setting("a"); err != nil || string(v) != "x" {
		t.Errorf("got %q, %v", v, err)
	}
	if v, err := s.Setting("empty"); err != nil || v == nil || len(v) != 0 {
		t.Errorf("got %#v, %v", v, err)
	}
	commit(t, s, messages.SettingRow{Name: "a"})
	if v, err := s.Setting("a"); err != nil || v != nil {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestDocumentRow(t *testing.T) {
	s := openStore(t, t.TempDir())
	at := time.Date(2026, 1, 1, 0, 0, 0, 5_000_000, time.UTC)
	want := []messages.Document{
		{ID: "1", Class: messages.DocumentHealth, Index: "health", QueuedAt: at, Body: []byte(`{"a":1}`)},
		{
			ID: "2", Class: messages.DocumentOutput, Index: "logs", QueuedAt: at.Add(1), Body: []byte(`{}`),
			Output: &messages.OutputRef{
				RunID:   testRunID(1),
				Stream:  messages.Stderr,
				From:    5,
				To:      1 << 40,
				Secrets: []messages.Secret{"one", "two"},
			},
		},
	}
	for i := range want {
		commit(t, s, messages.DocumentRow{Document: want[i]})
		want[i].Sequence = uint64(i + 1)
	}
	s = reopen(t, s)
	var got []messages.Document
	if err := s.Documents(0, func(d messages.Document) (bool, error) {
		d.Body = bytes.Clone(d.Body)
		got = append(got, d)
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = nil
	stop := errors.New("stop")
	if err := s.Documents(1, func(d messages.Document) (bool, error) {
		got = append(got, d)
		return true, stop
	}); !errors.Is(err, stop) || len(got) != 1 || got[0].ID != "2" {
		t.Errorf("after 1: %v, %v", got, err)
	}
	standing, err := s.Outbox()
	if err != nil || standing.Waiting != 2 || standing.Bytes < 100 || !standing.OldestAt.Equal(at) {
		t.Errorf("standing %+v, %v", standing, err)
	}
}

func TestJobIndices(t *testing.T) {
	s := openStore(t, t.TempDir())
	for i, index := range []string{"b", "", "a", "b", "off"} {
		job := testJob(fmt.Sprint(i))
		job.OpenSearchIndex, job.OpenSearchEnabled = index, index != "off"
		commit(t, s, messages.JobRow{Job: job})
	}
	if got, err := s.JobIndices(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestLoadJobs(t *testing.T) {
	s := openStore(t, t.TempDir())
	for _, name := range []string{"a", "b", "c"} {
		commit(t, s, messages.JobRow{Job: testJob(name), AnchorAt: time.Unix(1, 0).UTC()})
	}
	last := commit(t, s, messages.JobStateRow{
		Name:  "b",
		State: messages.JobState{FailureStreak: 4},
	})
	heads := map[string]messages.JobHead{}
	id, err := s.LoadJobs(func(h messages.JobHead) error { heads[h.Name] = h; return nil })
	if err != nil || len(heads) != 3 || id != last.TxID {
		t.Fatalf("%v, %v, transaction %d", heads, err, id)
	}
	job := testJob("b")
	want := job.Head()
	want.State.FailureStreak = 4
	if heads["b"] != want {
		t.Errorf("got %+v, want %+v", heads["b"], want)
	}
}
