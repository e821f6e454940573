package persistence

import (
	"testing"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

func importJob(name, expression string) messages.ImportItem {
	job := testJob(name)
	job.CronExpression = expression
	return messages.ImportItem{
		Table: messages.TableJobs,
		Name:  name,
		Job:   &messages.ImportJob{Job: job, Patch: &messages.JobOptionsPatch{}},
	}
}

func outcomes(rows []messages.ImportedRow) (all []messages.ImportOutcome) {
	for _, row := range rows {
		all = append(all, row.Outcome)
	}
	return all
}

func TestPlanImportChangesNothing(t *testing.T) {
	s := openStore(t, t.TempDir())
	before := exportLines(t, s, table.ExportQuery{Secrets: true})
	all := []messages.ImportItem{
		importJob("a", "@hourly"),
		{User: &messages.User{Name: "u", Hash: "h"}},
		{App: &messages.AppRow{User: "a"}},
		{Version: &messages.VersionRow{Version: "0"}},
		{Parameter: &messages.StoredParameter{Name: "unknown", Local: "x"}},
	}
	plan, err := s.PlanImport(all)
	for _, outcome := range outcomes(plan.Rows) {
		if outcome != messages.ImportCreated {
			t.Errorf("the plan is %+v", plan.Rows)
		}
	}
	if after := exportLines(t, s, table.ExportQuery{Secrets: true}); err != nil ||
		len(after) != len(before) || plan.Applied {
		t.Errorf("%d rows are %d now, %v", len(before), len(after), err)
	}
}

func TestARefusedRowKeepsAllOut(t *testing.T) {
	s := openStore(t, t.TempDir())
	all := []messages.ImportItem{importJob("a", "@hourly"), {
		Outcome: messages.ImportRefused,
		Notes:   []string{"why"},
	}}
	if c := try(s,
		messages.ImportRows{Items: all}); messages.CodeOf(c.Err) != messages.CodeInvalid ||
		c.Import != nil {
		t.Errorf("it is %+v", c)
	}
	if _, err := s.Job("a"); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("the job is there: %v", err)
	}
	c := commit(t, s, messages.ImportRows{Items: all, Partial: true})
	if got := outcomes(c.Import.Rows); got[0] != messages.ImportCreated ||
		got[1] != messages.ImportRefused {
		t.Errorf("the outcomes are %v", got)
	}
}

func TestAnImportedUserNeverReplacesOne(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.UserRow{User: messages.User{Name: "Admin", Hash: "mine"}})
	c := commit(t, s, messages.ImportRows{Items: []messages.ImportItem{{User: &messages.User{
		Name: "Admin",
		Hash: "theirs",
	}}}})
	if c.Import.Rows[0].Outcome != messages.ImportKept || len(c.Import.Users) != 0 ||
		len(c.Import.Rows[0].Notes) != 1 {
		t.Errorf("the result is %+v", c.Import)
	}
	_, err := s.LoadUsers(func(u messages.User) error {
		if u.Hash.Reveal() != "mine" {
			t.Errorf("the hash is %q", u.Hash.Reveal())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAParameterOfTheHostIsOnlyConfirmed(t *testing.T) {
	s := openStore(t, t.TempDir())
	row := func(local string) messages.ImportRows {
		p := messages.StoredParameter{Name: messages.ParamIPAddr, Global: "0.0.0.0", Local: local}
		return messages.ImportRows{Items: []messages.ImportItem{{Parameter: &p, HostOnly: true}}}
	}
	if got := commit(t, s, row("127.0.0.1")).Import; got.Rows[0].Outcome != messages.ImportKept ||
		len(got.Rows[0].Notes) != 1 || len(got.Parameters) > 0 {
		t.Errorf("another value: %+v", got)
	}
	if got := commit(t, s, row("")).Import.Rows[0].Outcome; got != messages.ImportUnchanged {
		t.Errorf("the same value is %s", got)
	}
}

// What a file without options brings leaves the options alone; a job that stood still begins anew,
// so that nothing counts as missed.
func TestAnImportedJobKeepsItsOptionsAndState(t *testing.T) {
	s := openStore(t, t.TempDir())
	stored := testJob("a")
	stored.Options.Enabled, stored.Options.Nice = false, 5
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	commit(t, s, messages.JobRow{Job: stored, AnchorAt: long})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	item := importJob("a", stored.CronExpression)
	item.Job.Job.Arguments = "other"
	c := commit(t, s, messages.ImportRows{Items: []messages.ImportItem{item}, At: at})
	job, err := s.Job("a")
	if err != nil || job.Options.Nice != 5 || job.Options.Enabled || job.Arguments != "other" ||
		c.Import.Rows[0].Outcome != messages.ImportUpdated {
		t.Errorf("the job is %+v, %v", job, err)
	}
	on := true
	item.Job.Patch = &messages.JobOptionsPatch{Enabled: &on}
	commit(t, s, messages.ImportRows{Items: []messages.ImportItem{item}, At: at})
	state, err := s.JobState("a")
	if err != nil || !state.PlannedThrough.Equal(at) || !state.Anchor.Equal(long) {
		t.Errorf("the state is %+v, %v", state, err)
	}
	item.Job.Job.CronExpression = "@daily"
	commit(t, s, messages.ImportRows{Items: []messages.ImportItem{item}, At: at})
	if state, err = s.JobState("a"); err != nil || !state.Anchor.Equal(at) {
		t.Errorf("the state is %+v, %v", state, err)
	}
}

func TestAnImportIsVerifiedAtTheNextOpen(t *testing.T) {
	s := openStore(t, t.TempDir())
	var all []messages.ImportItem
	for i := range 2000 {
		all = append(all, importJob(testRunID(i), "@hourly"))
	}
	commit(t, s, messages.ImportRows{Items: all, At: time.Now()})
	jobs := 0
	_, err := reopen(t, s).LoadJobs(func(messages.JobHead) error { jobs++; return nil })
	if err != nil || jobs != len(all) {
		t.Errorf("%d jobs, %v", jobs, err)
	}
}
