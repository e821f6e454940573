package contract

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"gusty/test/agent"
)

// imported is the answer of POST /agent/import.
type imported struct {
	Success bool
	Applied bool
	DryRun  bool `json:"dry_run"`
	Counts  map[string]int
	Rows    []struct {
		Line    int
		Table   string
		Name    string
		Outcome string
		Notes   []string
	}
}

func testTransfer(t *testing.T, s *suite) {
	t.Run("is in force", func(t *testing.T) { testImportInForce(t, s) })
	t.Run("the same rows come out", func(t *testing.T) { testExportImportExport(t, s) })
	t.Run("secrets", func(t *testing.T) { testExportSecrets(t, s) })
	t.Run("refused", func(t *testing.T) { testImportRefused(t, s) })
}

func tableLine(table, row string) string { return fmt.Sprintf(`{"table":%q,"row":%s}`, table, row) }

func importedJob(name, cron, script string) string {
	return tableLine("scheduled_jobs", fmt.Sprintf(`{"script_name":%q,"content":%q,"cron_expression":%q,"script_type":1}`,
		name, base64.StdEncoding.EncodeToString([]byte(script)), cron))
}

func userLine(t *testing.T, name, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return tableLine("user_creds", fmt.Sprintf(`{"user_name":%q,"password":%q}`, name, hash))
}

func (s *suite) importLines(t *testing.T, query string, lines ...string) imported {
	t.Helper()
	return decode[imported](t, s.ask(t, probe{
		method: http.MethodPost, path: "/agent/import" + query, body: strings.Join(lines, "\n"),
		status: http.StatusOK,
	}).Body)
}

func testImportInForce(t *testing.T, s *suite) {
	lines := []string{
		importedJob("imported", "* * * * * *", "echo imported"),
		importedJob("imported bad", "99 * * * * *", "echo never"),
		importedJob("imported off", "* * * * * *", "echo never"), tableLine("gusty_job_options", `{"script_name":"imported off","options":{"enabled":false}}`),
		tableLine("server_config", `{"param_name":"labels","local_value":"imported=yes"}`),
		tableLine("server_config", `{"param_name":"ip_addr","local_value":"192.0.2.1"}`),
		userLine(t, "imported", "a good one"), userLine(t, "imported old", "Pass"),
		userLine(t, "Admin", "stolen"),
		tableLine("node_app_details", `{"user_name":"admin","password":"x","endpoint":"https:://y/","purpose":"list_binaries"}`),
	}
	if dry := s.importLines(t, "?dry_run=true", lines...); dry.Applied || !dry.DryRun ||
		len(dry.Rows) != len(lines) {
		t.Errorf("the dry run: %+v", dry)
	}
	s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/jobs?name=imported",
		status: http.StatusNotFound,
	})
	got := s.importLines(t, "", lines...)
	var outcomes []string
	for _, row := range got.Rows {
		outcomes = append(outcomes, row.Outcome)
	}
	want := []string{
		"created", "created", "created", "merged", "updated", "kept", "created",
		"created", "kept", "created",
	}
	if !got.Applied || !got.Success || !slices.Equal(outcomes, want) ||
		len(got.Rows[1].Notes) != 1 || len(got.Rows[7].Notes) != 1 {
		t.Errorf("the answer is %+v", got)
	}
	eventually(t, "the imported job runs", func() bool {
		return len(get[struct{ Items []any }](t, s,
			"/agent/runs?script_name=imported&state=succeeded").Items) > 0
	})
	for _, name := range []string{"imported%20bad", "imported%20off"} {
		if state := get[struct{ Enabled bool }](t, s, "/agent/job/state?script_name="+
			name); state.Enabled {
			t.Errorf("%s is enabled", name)
		}
	}
	for user, status := range map[string]int{
		"imported:a good one": 200,
		"imported old:Pass":   401,
		"Admin:stolen":        401,
	} {
		name, password, _ := strings.Cut(user, ":")
		other := agent.Client{
			URL:         s.client.URL,
			HTTP:        s.client.HTTP,
			Credentials: agent.Credentials{User: name, Password: password},
		}
		if answer, err := other.Do(t.Context(), http.MethodGet, "/agent/status", "",
			nil); err != nil || answer.Status != status {
			t.Errorf("%s: %+v, %v", user, answer, err)
		}
	}
	s.ask(t, probe{
		method: http.MethodDelete,
		path:   "/agent/job?script_name=imported",
		status: http.StatusOK,
	})
}

// exportOf returns the lines of an export, sorted.
func (s *suite) exportOf(t *testing.T, query string) []string {
	t.Helper()
	body := s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/export" + query,
		status: http.StatusOK,
	}).Body
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("%q is no line of JSON", line)
		}
	}
	slices.Sort(lines)
	return lines
}

// What one agent exports another takes, and gives it as it was.
func testExportImportExport(t *testing.T, s *suite) {
	want := s.exportOf(t, "?secrets=true")
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	other := &suite{process: process, client: client, document: s.document}
	for range 2 {
		if got := other.importLines(t, "", want...); !got.Applied {
			t.Fatalf("%+v", got)
		}
		got := other.exportOf(t, "?secrets=true")
		// Each agent has its own Admin.
		notAdmin := func(lines []string) []string {
			return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
				return strings.HasPrefix(line, `{"table":"user_creds","row":{"user_name":"Admin"`)
			})
		}
		if got, want := notAdmin(got), notAdmin(want); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func testExportSecrets(t *testing.T, s *suite) {
	s.ask(t, probe{method: http.MethodPut, path: "/agent/config", status: http.StatusOK, body: `[{"propertyName":"opensearch_user_pass","propertyValue":"hidden-1"}]`})
	s.importLines(t, "", importedJob("with environment", "0 0 1 1 *", "echo"),
		tableLine("gusty_job_options",
			`{"script_name":"with environment","options":{"environment":{"TOKEN":"hidden-2"}}}`))
	open, whole := strings.Join(s.exportOf(t, ""),
		"\n"), strings.Join(s.exportOf(t, "?secrets=true&runs=true"), "\n")
	for _, secret := range []string{"hidden-1", "hidden-2", "$2a$"} {
		if strings.Contains(open, secret) || !strings.Contains(whole, secret) {
			t.Errorf("%s is in one export and not in the other", secret)
		}
	}
	if strings.Contains(open, "gusty_runs") || !strings.Contains(whole, "gusty_runs") ||
		!strings.Contains(whole, "gusty_run_output") {
		t.Error("runs leave with runs=true and not else")
	}
	s.importLines(t, "", strings.Split(open, "\n")...)
	if again := strings.Join(s.exportOf(t, "?secrets=true"), "\n"); !strings.Contains(again,
		"hidden-1") || !strings.Contains(again, "hidden-2") {
		t.Error("an import of masks changed a secret")
	}
}

func testImportRefused(t *testing.T, s *suite) {
	good, bad := importedJob("half", "0 0 1 1 *", "echo"), tableLine("server_config", `{"param_name":"server_port","local_value":"70000"}`)
	s.run(t, []probe{
		{
			method: http.MethodPost, path: "/agent/import", body: good + "\n" + bad, status: 422,
			code: "invalid",
			check: func(t *testing.T, body []byte) {
				if rows := decode[imported](t, body).Rows; len(rows) != 2 ||
					rows[1].Outcome != "refused" || len(rows[1].Notes) != 1 {
					t.Errorf("the rows are %+v", rows)
				}
			},
		},
		{name: "and nothing was done", method: http.MethodGet, path: "/agent/jobs?name=half", status: 404},
		{name: "partial", method: http.MethodPost, path: "/agent/import?partial=true", body: good + "\n" + bad, status: 200},
		{name: "and the rest was done", method: http.MethodGet, path: "/agent/jobs?name=half", status: 200},
		{name: "no rows", method: http.MethodPost, path: "/agent/import", body: "\n", status: 400, code: "not_json"},
		{name: "text", method: http.MethodPost, path: "/agent/import", body: good, status: 415, header: map[string]string{"Content-Type": "text/plain"}},
		{name: "too large", method: http.MethodPost, path: "/agent/import", body: strings.Repeat(good+"\n", 17<<20/len(good)), status: 413, code: "too_large"},
		{name: "a parameter that is none", method: http.MethodGet, path: "/agent/export?secret=true", status: 400, code: "bad_query", field: "secret"},
	})
}
