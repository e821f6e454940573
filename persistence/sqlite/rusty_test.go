package sqlite

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
	"gusty/messages/table"
)

// writeRusty returns the plain form of the file that is written for the Rust agent, and the notes.
func writeRusty(t *testing.T, all []table.TableRow) (path string, notes []string) {
	t.Helper()
	dir := t.TempDir()
	w, err := CreateRusty(t.Context(), filepath.Join(dir, "db.sqlite"), testNow(),
		func(name, sentence string) {
			notes = append(notes, name+" "+sentence)
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		if err := w.Add(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "db.sqlite"))
	if err != nil || bytes.HasPrefix(data, []byte("SQLite")) {
		t.Fatalf("the file is not shifted, %v", err)
	}
	shift(data, shiftBy)
	path = filepath.Join(dir, "plain.sqlite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, notes
}

func options(name string, change func(*messages.JobOptions), paused bool) table.JobOptionsRow {
	o := messages.DefaultJobOptions()
	change(&o)
	return table.JobOptionsRow{
		Name:    name,
		Options: table.StoredJobOptions{JobOptionsPatch: o.Patch(), Paused: &paused},
	}
}

func TestTheRustAgentGetsWhatItCanRun(t *testing.T) {
	job := func(name, cron, script string) table.JobTableRow {
		return table.JobTableRow{
			Name:           name,
			CronExpression: cron,
			Content:        []byte(script),
			Type:           1,
		}
	}
	path, notes := writeRusty(t, []table.TableRow{
		job("runs", "0 0 3 * * *", "echo runs\n"), job("crontab", "30 2 * * 1-5", "echo b"),
		job("empty", "@hourly", ""),
		job("every", "@every 90s", "x"), job("reboot", "@reboot", "x"),
		job("never", "0 0 30 2 *", "x"), job("bad", "nonsense", "x"),
		job("either", "0 0 1 * MON", "x"), job("a/b", "@daily", "x"),
		job("bytes", "@daily", "\xff"), job("off", "5 4 * * *", "x"),
		job("paused", "5 4 * * *", "x"), job("zone", "@midnight", "x"),
		options("runs", func(*messages.JobOptions) {}, false),
		options("off", func(o *messages.JobOptions) {
			o.Enabled = false
		}, false),
		options("paused", func(*messages.JobOptions) {}, true),
		options("zone", func(o *messages.JobOptions) {
			o.TimeZone = "Europe/Berlin"
		}, false),
		options("every", func(*messages.JobOptions) {}, false),
		table.UserTableRow{Name: "ops", Password: messages.Mask},
		table.UserTableRow{Name: "reader", Password: "$2b$10$x"},
		table.UserOptionsRow{
			Name:    "reader",
			Options: table.StoredUserOptions{Scopes: []messages.Scope{"read"}},
		},
		table.ConfigRow{Name: messages.ParamOpenSearchPass, Local: messages.Mask},
		table.RunTableRow{ID: "r"},
	})
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ask := func(query string) string {
		t.Helper()
		var got sql.NullString
		if err := db.QueryRow(query).Scan(&got); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return got.String
	}
	for query, want := range map[string]string{
		"PRAGMA integrity_check": "ok",
		"SELECT group_concat(script_name || '=' || cron_expression || '=' || typeof(content) || '=' || content, '; ') FROM scheduled_jobs": "runs=0 0 3 * * *=blob=echo runs\n; " +
			"crontab=0 30 2 * * 2,3,4,5,6=blob=echo b; empty=@hourly=blob=; zone=@daily=blob=x",
		"SELECT group_concat(user_name) FROM user_creds":                                          "ops,Admin",
		"SELECT group_concat(purpose) FROM node_app_details":                                      "list_binaries,download_binary",
		"SELECT group_concat(version) FROM agent_version":                                         " ,0.0.1",
		"SELECT local_value FROM server_config":                                                   "",
		"SELECT count(*) FROM sqlite_schema":                                                      "5",
		"SELECT count(*) FROM scheduled_jobs WHERE arguments IS NULL OR opensearch_index IS NULL": "0",
	} {
		if got := ask(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	hash := []byte(ask("SELECT password FROM user_creds WHERE user_name='Admin'"))
	if cost, err := bcrypt.Cost(hash); err != nil || cost != rustHashCost ||
		bcrypt.CompareHashAndPassword(hash, []byte("Pass")) == nil {
		t.Errorf("the missing Admin has %q, %v", hash, err)
	}
	for _, name := range []string{
		"every", "reboot", "never", "bad", "either", "a/b", "bytes",
		"off", "paused", "zone", "crontab",
	} {
		if !slices.ContainsFunc(notes, func(n string) bool {
			return strings.HasPrefix(n, "job "+name+" ")
		}) {
			t.Errorf("nothing is said of %s: %q", name, notes)
		}
	}
	for _, note := range notes {
		if strings.HasPrefix(note, "job off ") || strings.HasPrefix(note, "job paused ") {
			if !strings.Contains(note, "is left out") {
				t.Errorf("of a job that is not there it is said: %s", note)
			}
		}
	}
}

func TestTheRustAgentsOwnRowsStayAsTheyAre(t *testing.T) {
	var original []table.TableRow
	collect := func(path string) *rowsOnly {
		var got rowsOnly
		if err := Read(t.Context(), path, EncodingAuto, &got); err != nil {
			t.Fatal(err)
		}
		return &got
	}
	original = collect("testdata/encoded.sqlite").all
	path, notes := writeRusty(t, original)
	again := read(t, path, EncodingPlain).lines
	var want []string
	for _, row := range original {
		line, _ := table.AppendLine(nil, row)
		want = append(want, string(line))
	}
	if !slices.Equal(again, want) || len(notes) > 0 {
		t.Errorf("got %v, want %v, notes %v", again, want, notes)
	}
}

// rowsOnly keeps the rows.
type rowsOnly struct{ all []table.TableRow }

func (s *rowsOnly) Row(row table.TableRow, _ []string) error {
	s.all = append(s.all, row)
	return nil
}

func (s *rowsOnly) Refused(string, string, string) error { return nil }

func TestRustExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"*/5 * * * * *": "*/5 * * * * *", "0 0 0 1 1 ? 2026-2030": "0 0 0 1 1 ? 2026-2030", "@weekly": "@weekly", "@annually": "@yearly",
		"* * * * *": "0 * * * * *", "0 3 */2 jan-mar *": "0 0 3 */2 jan-mar *", "0 0 * * 0,7": "0 0 0 * * 1", "0 0 * * fri-sun": "",
		"0 0 * * 5-7": "0 0 0 * * 1,6,7", "0 0 * * 1-5/2": "0 0 0 * * 2,4,6", "0 0 * * */2": "0 0 0 * * 1,3,5,7", "0 0 * * 3/2": "0 0 0 * * 1,4,6",
		"0 0 * * Mon,wed": "0 0 0 * * 2,4", "0 0 1 * *": "0 0 0 1 * *", "0 0 1 * 1": "", "@every 5m": "", "@reboot": "", "0 0 30 2 *": "",
		"0 0 0 1 1 ? 2020": "", "x": "",
	} {
		got, why := rustExpression(expression, testNow())
		if got != want || (want == "") != (why != "") {
			t.Errorf("%q gives %q (%s), want %q", expression, got, why, want)
		}
	}
}
