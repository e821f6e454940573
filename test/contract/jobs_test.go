package contract

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gusty/test/agent"
)

// jobWith returns the body of a valid job in which some fields are replaced; a nil value takes the
// field out.
func jobWith(t *testing.T, name string, fields map[string]any) string {
	t.Helper()
	job := decode[map[string]any](t, []byte(agent.JobBody(name, "0 0 1 1 *", "echo contract")))
	for field, value := range fields {
		if value == nil {
			delete(job, field)
			continue
		}
		job[field] = value
	}
	data, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func testJobs(t *testing.T, s *suite) {
	saved, deleted := checkExec("Script saved successfully"), `"Script deleted successfully"`
	body := agent.JobBody("nightly", "0 30 2 * * *", "echo one")
	s.run(t, []probe{
		{name: "none yet", method: http.MethodGet, path: "/agent/jobs", status: 200, exact: `[]`},
		{name: "put what is not there", method: http.MethodPut, path: "/agent/job", body: body, status: 404, code: "not_found"},
		{name: "post", method: http.MethodPost, path: "/agent/job", body: body, status: 200, check: saved},
		{name: "post again", method: http.MethodPost, path: "/agent/job", body: body, status: 409, code: "exists"},
		{name: "put", method: http.MethodPut, path: "/agent/job", body: agent.JobBody("nightly", "30 2 * * *", "echo two"), status: 200, check: saved},
		{name: "list", method: http.MethodGet, path: "/agent/jobs", status: 200, exact: `["nightly"]`},
		{name: "list, empty name", method: http.MethodGet, path: "/agent/jobs?name=", status: 200, exact: `["nightly"]`},
		{name: "list by the other path", method: http.MethodGet, path: "/agent/job", status: 200, exact: `["nightly"]`},
		{name: "one", method: http.MethodGet, path: "/agent/jobs?name=nightly", status: 200, check: checkJob("echo two")},
		{name: "one by the other path", method: http.MethodGet, path: "/agent/job?script_name=nightly", status: 200, check: checkJob("echo two")},
		{name: "none of that name", method: http.MethodGet, path: "/agent/jobs?name=Nightly", status: 404, code: "not_found"},
		{name: "none of that name there", method: http.MethodGet, path: "/agent/job?script_name=Nightly", status: 404, code: "not_found"},
		{name: "delete", method: http.MethodDelete, path: "/agent/job?script_name=nightly", status: 200, exact: deleted},
		{name: "delete again", method: http.MethodDelete, path: "/agent/job?script_name=nightly", status: 404, code: "not_found"},
		{name: "delete nothing", method: http.MethodDelete, path: "/agent/job", status: 400, field: "script_name"},
	})
	t.Run("checked", func(t *testing.T) { testJobsChecked(t, s) })
	t.Run("refused", func(t *testing.T) { testJobsRefused(t, s) })
	t.Run("taken", func(t *testing.T) { testJobsTaken(t, s) })
	t.Run("odd names", func(t *testing.T) { testJobNames(t, s) })
}

// testJobsChecked asks what storing a job would do; nothing may come of it.
func testJobsChecked(t *testing.T, s *suite) {
	stored := jobWith(t, "checked", map[string]any{"environment": map[string]string{
		"A": "1",
		"B": "2",
	}})
	changed := jobWith(t, "checked", map[string]any{
		"cron_expression": "0 0 2 1 *",
		"environment":     map[string]string{"A": "3", "B": "********"},
	})
	check := func(name, body, want string) probe {
		return probe{
			name:   name,
			method: http.MethodPost,
			path:   "/agent/job/check",
			body:   body,
			status: 200,
			exact:  want,
		}
	}
	s.run(t, []probe{
		check("of a new job", stored, `{"exists":false,"changed":[],"changed_environment":[]}`),
		{name: "nothing was stored", method: http.MethodGet, path: "/agent/jobs?name=checked", status: 404, code: "not_found"},
		{name: "post", method: http.MethodPost, path: "/agent/job", body: stored, status: 200},
		check("of the same", stored, `{"exists":true,"changed":[],"changed_environment":[]}`),
		check("of another", changed, `{"exists":true,"changed":["cron_expression","environment"],"changed_environment":["A"]}`),
		check("of the same again", stored, `{"exists":true,"changed":[],"changed_environment":[]}`),
		{
			name: "of a bad one", method: http.MethodPost, path: "/agent/job/check", status: 422,
			field: "cron_expression",
			body:  jobWith(t, "checked", map[string]any{"cron_expression": "61 * * * *"}),
		},
		{
			name: "of one with an unknown field", method: http.MethodPost, path: "/agent/job/check",
			status: 422, field: "corn",
			body: jobWith(t, "checked", map[string]any{"corn": "* * * * *"}),
		},
		{name: "delete", method: http.MethodDelete, path: "/agent/job?script_name=checked", status: 200},
	})
}

func checkJob(script string) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		t.Helper()
		requireShape(t, "the job", body, jobShape())
		encoded := decode[struct{ Content string }](t, body).Content
		if content, err := base64.StdEncoding.DecodeString(encoded); err != nil ||
			string(content) != script {
			t.Errorf("the script is %q (%v), want %q", content, err, script)
		}
	}
}

func testJobsRefused(t *testing.T, s *suite) {
	for _, bad := range []struct {
		name  string
		field string
		value any
	}{
		{"name missing", "script_name", nil},
		{"name empty", "script_name", ""},
		{"name long", "script_name", strings.Repeat("x", 256)},
		{"name with a control character", "script_name", "a\x01b"},
		{"name a number", "script_name", 7},
		{"content missing", "content", nil},
		{"content not base64", "content", "%%%"},
		{"content null", "content", json.RawMessage("null")},
		{"cron missing", "cron_expression", nil},
		{"cron of one field", "cron_expression", "*"},
		{"cron out of range", "cron_expression", "60 * * * *"},
		{"cron with a letter", "cron_expression", "0 0 L * *"},
		{"type missing", "script_type", nil},
		{"type unknown", "script_type", 2},
		{"type negative", "script_type", -1},
		{"type a text", "script_type", "1"},
		{"type a fraction", "script_type", 1.5},
		{"quote open", "arguments", `"one two`},
		{"async a text", "async_exec", "yes"},
		{"index with upper case", "opensearch_index", "Logs"},
		{"enabled a number", "opensearch_enabled", 1},
		{"time zone unknown", "time_zone", "Europe/Atlantis"},
		{"time zone a path", "time_zone", "../../etc/passwd"},
		{"overlap unknown", "overlap_policy", "maybe"},
		{"misfire unknown", "misfire_policy", "maybe"},
		{"time-out negative", "timeout_seconds", -1},
		{"retries too many", "max_retries", 101},
		{"nice out of range", "nice", 20},
		{"no exit code succeeds", "success_exit_codes", []int{}},
		{"variable with =", "environment", map[string]string{"A=B": "c"}},
		{"encoding unknown", "content_encoding", "hex"},
	} {
		body := jobWith(t, "refused", map[string]any{bad.field: bad.value})
		t.Run(bad.name, func(t *testing.T) {
			s.ask(t, probe{
				method: http.MethodPost,
				path:   "/agent/job",
				body:   body,
				status: 422,
				field:  bad.field,
			})
			s.ask(t, probe{
				method: http.MethodPut,
				path:   "/agent/job",
				body:   body,
				status: 422,
				field:  bad.field,
			})
		})
	}
	s.run(t, []probe{
		{name: "not JSON", method: http.MethodPost, path: "/agent/job", body: `{"script_name":`, status: 400, code: "not_json"},
		{name: "put not JSON", method: http.MethodPut, path: "/agent/job", body: `{"script_name":`, status: 400, code: "not_json"},
		{name: "a list", method: http.MethodPost, path: "/agent/job", body: `[]`, status: 422},
		{name: "nothing was stored", method: http.MethodGet, path: "/agent/jobs", status: 200, exact: `[]`},
	})
}

// testJobsTaken stores what looks odd and is allowed.
func testJobsTaken(t *testing.T, s *suite) {
	crlf := base64.StdEncoding.EncodeToString([]byte("echo a\r\necho b\r\n"))
	for _, good := range []struct {
		name   string
		fields map[string]any
		script string
	}{
		{"empty script", map[string]any{"content": ""}, ""},
		{"carriage returns", map[string]any{"content": crlf}, "echo a\necho b\n"},
		{"plain content", map[string]any{"content": "echo plain", "content_encoding": "plain"}, "echo plain"},
		{"unknown field", map[string]any{"no_such_field": 1}, "echo contract"},
		{"a date that never comes", map[string]any{"cron_expression": "0 0 30 2 *"}, "echo contract"},
		{"Rust form with a year", map[string]any{"cron_expression": "0 0 12 ? JAN Mon-Fri 2090"}, "echo contract"},
		{"every", map[string]any{"cron_expression": "@every 90s"}, "echo contract"},
		{"Python", map[string]any{"script_type": 0}, "echo contract"},
	} {
		t.Run(good.name, func(t *testing.T) {
			s.ask(t, probe{
				method: http.MethodPost,
				path:   "/agent/job",
				body:   jobWith(t, "taken", good.fields),
				status: 200,
			})
			s.ask(t, probe{
				method: http.MethodGet,
				path:   "/agent/jobs?name=taken",
				status: 200,
				check:  checkJob(good.script),
			})
			s.ask(t, probe{
				method: http.MethodDelete,
				path:   "/agent/job?script_name=taken",
				status: 200,
			})
		})
	}
}

// testJobNames stores names that broke the Rust agent, and finds them in byte order.
func testJobNames(t *testing.T, s *suite) {
	names := []string{
		`a/b`, `o'brien"; DROP TABLE scheduled_jobs; --`, `../../etc/passwd`, `名前 и имя`, ` blank `, `a&b=c?d#e%f+g`, strings.Repeat("n", 255),
	}
	for _, name := range names {
		s.ask(t, probe{
			method: http.MethodPost,
			path:   "/agent/job",
			body:   agent.JobBody(name, "0 0 1 1 *", name),
			status: 200,
		})
	}
	slices.Sort(names)
	if got := get[[]string](t, s, "/agent/jobs"); !slices.Equal(got, names) {
		t.Errorf("the names are %q, want %q", got, names)
	}
	for _, name := range names {
		s.ask(t, probe{
			method: http.MethodGet,
			path:   "/agent/jobs?name=" + url.QueryEscape(name),
			status: 200,
			check:  checkJob(name),
		})
		s.ask(t, probe{
			method: http.MethodDelete,
			path:   "/agent/job?script_name=" + url.QueryEscape(name),
			status: 200,
		})
	}
}

// testJobOptions looks at the fields that the Rust agent did not have: those absent in a PUT keep
// their value, and secrets are masked.
func testJobOptions(t *testing.T, s *suite) {
	first := jobWith(t, "options", map[string]any{
		"timeout_seconds": 30, "description": "kept", "environment": map[string]string{"TOKEN": "geheim"}, "time_zone": "Europe/Berlin",
	})
	s.ask(t, probe{method: http.MethodPost, path: "/agent/job", body: first, status: 200})
	second := jobWith(t, "options", map[string]any{"timeout_seconds": 31})
	s.ask(t, probe{method: http.MethodPut, path: "/agent/job", body: second, status: 200})
	job := get[struct {
		Timeout     int `json:"timeout_seconds"`
		Description string
		TimeZone    string `json:"time_zone"`
		Environment map[string]string
	}](t, s, "/agent/jobs?name=options")
	if job.Timeout != 31 || job.Description != "kept" || job.TimeZone != "Europe/Berlin" ||
		job.Environment["TOKEN"] != "********" {
		t.Errorf("after the PUT the job is %+v", job)
	}
	s.ask(t, probe{method: http.MethodDelete, path: "/agent/job?script_name=options", status: 200})
}
