package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

// exportLines returns the lines of an export, sorted: rows come in no order.
func exportLines(t *testing.T, s *Store, query table.ExportQuery) []string {
	t.Helper()
	var lines []string
	err := s.Export(query, func(row table.TableRow) error {
		line, err := table.AppendLine(nil, row)
		lines = append(lines, string(line))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// items makes what an import brings of rows that need no rules.
func items(t *testing.T, lines []string) (all []messages.ImportItem) {
	t.Helper()
	jobs := map[string]*messages.ImportJob{}
	var options []table.JobOptionsRow // they sort before the rows of their jobs
	for i, line := range lines {
		row, err := table.ParseLine([]byte(strings.TrimSpace(line)))
		if err != nil {
			t.Fatal(err)
		}
		item := messages.ImportItem{Place: i + 1, Table: row.Table(), Name: row.RowName()}
		switch r := row.(type) {
		case messages.VersionRow:
			item.Version = &r
		case table.ConfigRow:
			item.Parameter = &messages.StoredParameter{
				Name:      r.Name,
				Global:    r.Global,
				Local:     r.Local,
				CanModify: r.CanModify != 0,
			}
		case messages.AppRow:
			item.App = &r
		case table.UserTableRow:
			item.User = &messages.User{Name: r.Name, Hash: r.Password, Scopes: messages.AllScopes()}
		case table.JobTableRow:
			item.Job = &messages.ImportJob{Job: messages.Job{
				Name: r.Name, Content: r.Content, CronExpression: r.CronExpression,
				Arguments: r.Arguments, Type: messages.ScriptType(r.Type),
				OpenSearchIndex: r.OpenSearchIndex, OpenSearchEnabled: r.OpenSearchEnabled == 1,
			}}
			jobs[r.Name] = item.Job
		case table.JobOptionsRow:
			options = append(options, r)
			item.Outcome = messages.ImportMerged
		}
		all = append(all, item)
	}
	for _, r := range options {
		jobs[r.Name].Job.Options, jobs[r.Name].Paused = r.Options.Whole(), r.Options.Paused
	}
	return all
}

// fillForExport stores something in every table.
func fillForExport(t *testing.T, s *Store) {
	t.Helper()
	plain, other := testJob("plain"), testJob("other ü")
	other.Content, other.Options.MaxRetries, other.Options.SuccessExitCodes = nil, 3, []int{0, 7}
	other.Options.Environment = map[string]messages.Secret{"TOKEN": "secret-of-the-environment"}
	commit(t, s, messages.JobRow{Job: plain}, messages.JobRow{Job: other},
		messages.UserRow{User: messages.User{
			Name:   "Admin",
			Hash:   "secret-hash",
			Scopes: messages.AllScopes(),
		}},
		messages.UserRow{User: messages.User{
			Name:   "reader",
			Hash:   "secret-hash-2",
			Scopes: []messages.Scope{messages.ScopeRead},
		}},
		messages.ParameterRow{Name: messages.ParamOpenSearchPass, Local: "secret-parameter"},
		messages.ImportRows{Items: []messages.ImportItem{
			{Version: &messages.VersionRow{Version: " ", BuildDate: "then"}},
			{App: &messages.AppRow{User: "a", Password: "secret-app", Endpoint: "e", Purpose: "p"}},
			{App: &messages.AppRow{User: "a", Password: "secret-app", Endpoint: "e", Purpose: "p"}},
		}})
	commit(t, s, messages.JobStateRow{
		Name:  "plain",
		State: messages.JobState{Paused: true},
		Part:  messages.PausePart,
	})
}

func TestExportHoldsEveryRowAndNoSecret(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillForExport(t, s)
	open := strings.Join(exportLines(t, s, table.ExportQuery{}), "")
	if strings.Contains(open, "secret-of") || strings.Contains(open, "secret-hash") ||
		strings.Contains(open, "secret-parameter") ||
		strings.Contains(open, "secret-app") {
		t.Errorf("a secret is in\n%s", open)
	}
	for _, want := range []string{
		`{"table":"agent_version","row":{"version":"1.2.3","version_valid":1,`, `"build_date":"then"`, `"param_name":"server_port"`,
		`"user_name":"Admin","password":"********"`, `{"user_name":"reader","options":{"scopes":["read"],"disabled":false}`,
		`"environment":{"TOKEN":"********"},"paused":false`, `"paused":true`, `"script_name":"other ü","content":""`, `"success_exit_codes":[0,7]`,
	} {
		if !strings.Contains(open, want) {
			t.Errorf("%s is missing in\n%s", want, open)
		}
	}
	whole := strings.Join(exportLines(t, s, table.ExportQuery{Secrets: true}), "")
	for _, want := range []string{
		"secret-of-the-environment", "secret-hash-2", "secret-parameter",
		"secret-app",
	} {
		if !strings.Contains(whole, want) {
			t.Errorf("%s is missing in\n%s", want, whole)
		}
	}
}

func TestExportImportExportGivesTheSameRows(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillForExport(t, s)
	want := exportLines(t, s, table.ExportQuery{Secrets: true})
	want = slices.DeleteFunc(want, func(line string) bool {
		return strings.Contains(line, messages.TableUserOptions)
	})
	other := openStore(t, t.TempDir())
	c := commit(t, other, messages.ImportRows{Items: items(t, want), At: time.Now()})
	if !c.Import.Applied || len(c.Import.Jobs) != 2 || len(c.Import.Users) != 2 {
		t.Errorf("the result is %+v", c.Import)
	}
	got := exportLines(t, other, table.ExportQuery{Secrets: true})
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
	for _, row := range commit(t, other, messages.ImportRows{
		Items: items(t, want),
		At:    time.Now(),
	}).Import.Rows {
		if row.Outcome != messages.ImportUnchanged && row.Outcome != messages.ImportKept &&
			row.Outcome != messages.ImportMerged {
			t.Errorf("the second time %s %q is %s", row.Table, row.Name, row.Outcome)
		}
	}
	if again := exportLines(t, reopen(t, other),
		table.ExportQuery{Secrets: true}); !slices.Equal(again, want) {
		t.Error("the second import changed something")
	}
}

func TestMaskedRowsChangeNoSecret(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillForExport(t, s)
	want := exportLines(t, s, table.ExportQuery{Secrets: true})
	commit(t, s, messages.ImportRows{
		Items: items(t, exportLines(t, s, table.ExportQuery{})),
		At:    time.Now(),
	})
	if got := exportLines(t, s, table.ExportQuery{Secrets: true}); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
}

func TestExportWithRuns(t *testing.T) {
	s := openStore(t, t.TempDir())
	short, long := testRun(1, "job", messages.RunFailed), testRun(2, "job", messages.RunSucceeded)
	short.Output.Inline = []messages.OutputChunk{{
		Stream: messages.Stderr,
		Data:   []byte("one line\n"),
	}}
	o := s.NewOutput(long.ID, 1<<20)
	if err := o.Write(messages.Stdout, bytes.Repeat([]byte("x"), 3*maxInlineBytes),
		time.Now()); err != nil {
		t.Fatal(err)
	}
	var err error
	if long.Output, err = o.Close(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, messages.RunRow{Run: short}, messages.RunRow{Run: long})
	printed := map[string]int{}
	err = s.Export(table.ExportQuery{Runs: true}, func(row table.TableRow) error {
		if r, ok := row.(table.RunOutputRow); ok {
			printed[r.RunID+r.Stream] += len(r.Data)
		}
		return nil
	})
	if err != nil || printed[short.ID+"stderr"] != 9 ||
		printed[long.ID+"stdout"] != 3*maxInlineBytes {
		t.Errorf("%v, %v", printed, err)
	}
}

// A reader that takes its time sees what was there at the beginning, and keeps no transaction open
// meanwhile.
func TestExportIsOfOneMomentAndBlocksNobody(t *testing.T) {
	s := openStore(t, t.TempDir())
	for i := range 10 {
		commit(t, s, messages.JobRow{Job: testJob(fmt.Sprint("job ", i))})
	}
	jobs := 0
	err := s.Export(table.ExportQuery{}, func(row table.TableRow) error {
		if row.Table() == messages.TableJobs {
			commit(t, s, messages.JobGone{Name: row.RowName()},
				messages.JobRow{Job: testJob(fmt.Sprint("later ", jobs))})
			jobs++
		}
		if open := s.db.Stats().OpenTxN; open > 0 {
			t.Errorf("%d transactions are open", open)
		}
		return nil
	})
	if err != nil || jobs != 10 {
		t.Errorf("%d jobs, %v", jobs, err)
	}
}

func TestExportLeavesNoFileAndGivesItsCallersError(t *testing.T) {
	s := openStore(t, t.TempDir())
	mine := errors.New("enough")
	if err := s.Export(table.ExportQuery{}, func(table.TableRow) error {
		return mine
	}); !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(s.output); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	killed := filepath.Join(s.output, snapshotPrefix+"123")
	if err := os.WriteFile(killed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reopen(t, s)
	if _, err := os.Stat(killed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed agent left is there: %v", err)
	}
}
