package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

// rows takes what a file holds.
type rows struct {
	lines   []string
	notes   []string
	refused []string
}

func (s *rows) Row(row table.TableRow, notes []string) error {
	line, err := table.AppendLine(nil, row)
	s.lines = append(s.lines, string(line))
	s.notes = append(s.notes, notes...)
	return err
}

func (s *rows) Refused(table, name, why string) error {
	s.refused = append(s.refused, table+" "+name+": "+why)
	return nil
}

func read(t *testing.T, path string, how Encoding) *rows {
	t.Helper()
	var got rows
	if err := Read(t.Context(), path, how, &got); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return &got
}

func sampleRows() []table.TableRow {
	options, paused, code := messages.DefaultJobOptions(), true, int64(1)
	options.Environment = map[string]messages.Secret{"A": "it's \"b\""}
	return []table.TableRow{
		messages.VersionRow{Version: " ", BuildDate: "then"},
		messages.VersionRow{Version: "1", Valid: 1},
		table.ConfigRow{Name: "labels", Global: "a=b", Local: "ü\\\"", CanModify: 1},
		table.JobTableRow{
			Name:              "a",
			Content:           []byte("echo a\n"),
			CronExpression:    "0 0 3 * * *",
			Arguments:         "x",
			Type:              1,
			OpenSearchEnabled: 1,
		},
		table.JobTableRow{Name: "empty", CronExpression: "@hourly"},
		table.JobTableRow{
			Name:           "binary",
			Content:        []byte{0, 255, 1},
			CronExpression: "* * * * *",
		},
		table.UserTableRow{Name: "Admin", Password: "$2b$10$x"},
		messages.AppRow{User: "a", Password: "b", Endpoint: "https:://c/", Purpose: "list_binaries"},
		table.JobOptionsRow{
			Name:    "a",
			Options: table.StoredJobOptions{JobOptionsPatch: options.Patch(), Paused: &paused},
		},
		table.UserOptionsRow{
			Name:    "Admin",
			Options: table.StoredUserOptions{Scopes: []messages.Scope{"read"}},
		},
		table.RunTableRow{ID: "r1", State: "failed", ExitCode: &code},
		table.RunTableRow{ID: "r2", State: "missed"},
		table.RunOutputRow{RunID: "r1", Sequence: 1, Stream: "stdout", Data: []byte{255, '\n'}},
	}
}

// write makes a file of rows; by their lines where asLines is set, as from a running agent.
func write(t *testing.T, all []table.TableRow, asLines bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.sqlite")
	w, err := Create(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		if asLines {
			line, _ := table.AppendLine(nil, row)
			table, addErr := w.AddLine(t.Context(), bytes.TrimSpace(line))
			if err = addErr; table != row.Table() {
				t.Errorf("%s was taken for a row of %q", line, table)
			}
		} else {
			err = w.Add(t.Context(), row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	var want []string
	for _, row := range sampleRows() {
		line, _ := table.AppendLine(nil, row)
		want = append(want, string(line))
	}
	for _, asLines := range []bool{false, true} {
		path := write(t, sampleRows(), asLines)
		if got := read(t, path, EncodingAuto); !slices.Equal(got.lines, want) || len(got.refused)+
			len(got.notes) > 0 {
			t.Errorf("as lines %v: got %v %v %v, want %v", asLines, got.lines, got.refused,
				got.notes, want)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("there is more than the file: %v", entries)
		}
	}
}

func TestManyRowsStayInOrder(t *testing.T) {
	var all []table.TableRow
	for i := range 3*batchRows + 5 {
		all = append(all, messages.VersionRow{Version: strings.Repeat("v", i)})
	}
	got := read(t, write(t, all, true), EncodingAuto).lines
	for i, line := range got {
		if len(got) != len(all) || !strings.Contains(line, `"`+strings.Repeat("v", i)+`"`) {
			t.Fatalf("row %d of %d is %s", i, len(got), line)
		}
	}
}

// The tables are declared to the letter as the Rust agent declares them.
func TestTheTablesAreThoseOfTheRustAgent(t *testing.T) {
	ours := schemaOf(t, write(t, nil, false))
	for name, theirs := range schemaOf(t, "testdata/plain.sqlite") {
		if ours[name] != theirs {
			t.Errorf("%s is %q, theirs is %q", name, ours[name], theirs)
		}
	}
}

func schemaOf(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query("SELECT name, sql FROM sqlite_schema")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	tables := map[string]string{}
	for found.Next() {
		var name, statement string
		if err := found.Scan(&name, &statement); err != nil {
			t.Fatal(err)
		}
		tables[name] = statement
	}
	if err := found.Err(); err != nil || len(tables) == 0 {
		t.Fatal(err)
	}
	return tables
}

func TestBothFormsOfTheRustAgentAreRead(t *testing.T) {
	plain := read(t, "testdata/plain.sqlite", EncodingAuto)
	if len(plain.lines) != 20 || len(plain.refused) != 0 {
		t.Errorf("%d rows, refused: %v", len(plain.lines), plain.refused)
	}
	encoded := read(t, "testdata/encoded.sqlite", EncodingAuto)
	if len(encoded.lines) != 28 || len(encoded.refused) != 0 {
		t.Errorf("%d rows, refused: %v", len(encoded.lines), encoded.refused)
	}
	count := map[string]int{}
	for _, note := range encoded.notes {
		count[note]++
	}
	if count["the script was read as base64"] != 6 || count["the script was read as plain"] != 2 {
		t.Errorf("the notes are %v", count)
	}
}

func TestOtherProgramsReadWhatIsWritten(t *testing.T) {
	path := write(t, sampleRows(), false)
	for _, command := range [][]string{
		{"sqlite3", path, "PRAGMA integrity_check; SELECT script_name FROM scheduled_jobs WHERE opensearch_enabled=1"},
		{"python3", "-c", "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nfor q in 'PRAGMA integrity_check', 'SELECT script_name FROM scheduled_jobs " +
			"WHERE opensearch_enabled=1':\n  print(c.execute(q).fetchone()[0])", path},
	} {
		if _, err := exec.LookPath(command[0]); err != nil {
			t.Logf("%s is not here", command[0])
			continue
		}
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
		if err != nil || string(out) != "ok\na\n" {
			t.Errorf("%s: %s, %v", command[0], out, err)
		}
	}
}

func TestContentRule(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for content, want := range map[string]Encoding{
		b64("echo hello\n"): EncodingBase64, b64("print('ü')\r\n"): EncodingBase64,
		b64("#!/bin/sh\n\xff\x00"): EncodingBase64,
		"echo hello\n":             EncodingPlain, "date": EncodingPlain, "true": EncodingPlain, "uptime12": EncodingPlain, "#!/bin/bash\\n echo Good day!": EncodingPlain,
		b64("\x7fELF\x01\x02\x03"): EncodingPlain, "ZWNobyB0aWNrCg=": EncodingPlain,
		"ZWNobyB0aWNrCh==":     EncodingPlain,
		"ZWNobyB0\naWNrCg==\n": EncodingBase64, "": EncodingPlain,
	} {
		script, got, err := decodeContent([]byte(content), EncodingAuto)
		if got != want || err != nil || got == EncodingPlain && string(script) != content {
			t.Errorf("%q is %s, not %s, %v", content, got, want, err)
		}
	}
	if script, _, err := decodeContent([]byte(b64("date")), EncodingPlain); err != nil ||
		string(script) != b64("date") {
		t.Errorf("plain gives %q, %v", script, err)
	}
	if _, _, err := decodeContent([]byte("echo hello"), EncodingBase64); err == nil {
		t.Error("what is no base64 was taken as such")
	}
}

func TestFinishReplacesAndDiscardLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "export.sqlite")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "old" {
		t.Errorf("the old file is %q", data)
	}
	if w, err = Create(t.Context(), path, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if entries, _ := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 ||
		info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, %v", entries, info.Mode(), err)
	}
	if _, err := Create(t.Context(), t.TempDir(), false); err == nil {
		t.Error("a directory was taken for a file")
	}
	if _, err := Create(t.Context(), filepath.Join(t.TempDir(), "no", "such.sqlite"),
		false); err == nil {
		t.Error("a directory that is not there was taken")
	}
}

func TestAnInterruptedWriteLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "export.sqlite")
	ctx, cancel := context.WithCancel(t.Context())
	w, err := Create(ctx, path, false)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Finish(ctx); err == nil {
		t.Error("an interrupted write succeeded")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
		t.Errorf("%v is left", entries)
	}
}

func TestShiftedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	data := make([]byte, 700_000)
	for i := range data {
		data[i] = byte(i)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := shiftFile(f); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || got[0] != 254 || got[1] != 255 || got[2] != 0 {
		t.Fatalf("% x, %v", got[:3], err)
	}
	if shift(got, shiftBy); !bytes.Equal(got, data) {
		t.Error("it does not come back")
	}
}

func testNow() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
