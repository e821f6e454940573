package contract

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"gusty/test/agent"
)

// testPlan asks for previews, pauses and resumes a job, and lets one fire.
func testPlan(t *testing.T, s *suite) {
	testPreview(t, s)
	s.run(t, []probe{
		{name: "job", method: http.MethodPost, path: "/agent/job", body: agent.JobBody("every second", "* * * * * *", "echo tick"), status: 200},
		{name: "state", method: http.MethodGet, path: "/agent/job/state?script_name=every+second", status: 200},
		{name: "state of none", method: http.MethodGet, path: "/agent/job/state?script_name=none", status: 404, code: "not_found"},
		{name: "state of what", method: http.MethodGet, path: "/agent/job/state", status: 400, field: "script_name"},
	})
	t.Run("fires", func(t *testing.T) { testFires(t, s) })
	s.run(t, []probe{
		{name: "pause", method: http.MethodPut, path: "/agent/job/pause?script_name=every+second", status: 200},
		{name: "pause none", method: http.MethodPut, path: "/agent/job/pause?script_name=none", status: 404, code: "not_found"},
		{name: "pause what", method: http.MethodPut, path: "/agent/job/pause", status: 400, field: "script_name"},
		{name: "paused", method: http.MethodGet, path: "/agent/job/state?script_name=every+second", status: 200, check: checkPaused(true)},
		{name: "resume", method: http.MethodPut, path: "/agent/job/resume?script_name=every+second", status: 200},
		{name: "resume none", method: http.MethodPut, path: "/agent/job/resume?script_name=none", status: 404, code: "not_found"},
		{name: "resume what", method: http.MethodPut, path: "/agent/job/resume", status: 400, field: "script_name"},
		{name: "resumed", method: http.MethodGet, path: "/agent/job/state?script_name=every+second", status: 200, check: checkPaused(false)},
		{name: "delete", method: http.MethodDelete, path: "/agent/job?script_name=every+second", status: 200},
	})
}

func testPreview(t *testing.T, s *suite) {
	good := func(name, expression, rest string, firings ...string) probe {
		path := "/agent/job/preview?cron_expression=" + url.QueryEscape(expression) + rest
		return probe{
			name:   "preview " + name,
			method: http.MethodGet,
			path:   path,
			status: 200,
			check:  checkPreview(firings...),
		}
	}
	bad := func(name, query, field string) probe {
		return probe{
			name:   "preview " + name,
			method: http.MethodGet,
			path:   "/agent/job/preview?" + query,
			status: 400,
			field:  field,
		}
	}
	s.run(t, []probe{
		good("in UTC", "0 12 * * *", "&time_zone=UTC&from=2026-01-01T00:00:00Z&count=2",
			"2026-01-01T12:00:00", "2026-01-02T12:00:00"),
		good("in a gap", "30 2 * * *", "&time_zone=Europe/Berlin&from=2026-03-28T12:00:00Z&count=1",
			"2026-03-29T01:00:00"),
		good("of the Rust form", "30 0 12 1 1 ? 2030", "&time_zone=UTC&from=2026-01-01T00:00:00Z",
			"2030-01-01T12:00:30"),
		good("of never", "0 0 30 2 *", ""),
		bad("of nothing", "", "cron_expression"),
		bad("of a bad expression", "cron_expression="+url.QueryEscape("61 * * * *"),
			"cron_expression"),
		bad("in no zone", "cron_expression=@daily&time_zone=Nowhere/At-All", "time_zone"),
		bad("from no time", "cron_expression=@daily&from=yesterday", "from"),
		bad("of none", "cron_expression=@daily&count=0", "count"),
		bad("of minus one", "cron_expression=@daily&count=-1", "count"),
	})
}

// checkPreview expects a description and the firings, in UTC, given without their milliseconds.
func checkPreview(want ...string) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		t.Helper()
		got := decode[struct {
			Description string
			Next        []string
		}](t, body)
		if got.Description == "" || len(got.Next) != len(want) {
			t.Fatalf("want a description and %d firings: %s", len(want), body)
		}
		for i, next := range got.Next {
			if len(next) < len(want[i]) || next[:len(want[i])] != want[i] {
				t.Errorf("firing %d is %s, want %s", i, next, want[i])
			}
		}
	}
}

func checkPaused(want bool) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		t.Helper()
		if got := decode[struct{ Paused *bool }](t, body); got.Paused == nil ||
			*got.Paused != want {
			t.Errorf("paused must be %t: %s", want, body)
		}
	}
}

// run is one run as the REST contract shows it.
type run struct {
	ID         string `json:"run_id"`
	ScriptName string `json:"script_name"`
	State      string
	Reason     *string
	Trigger    string
	DueAt      *time.Time `json:"due_at"`
	StartedAt  *time.Time `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at"`
	DurationMS *int64     `json:"duration_ms"`
	ExitCode   *int       `json:"exit_code"`
	Stdout     int64      `json:"stdout_bytes"`
	Stderr     int64      `json:"stderr_bytes"`
}

type page struct {
	Items []run
	Next  *string
}

// testFires waits for two firings and looks at what was recorded of the first.
func testFires(t *testing.T, s *suite) {
	var runs []run
	eventually(t, "two firings of a job that is due every second", func() bool {
		runs = get[page](t, s, "/agent/runs?script_name=every+second&state=succeeded").Items
		return len(runs) >= 2
	})
	first := runs[len(runs)-1]
	if first.Trigger != "schedule" || first.DueAt == nil || first.DueAt.Nanosecond() != 0 ||
		first.ExitCode == nil || *first.ExitCode != 0 {
		t.Errorf("the recorded run is %+v", first)
	}
	if first.StartedAt == nil || first.StartedAt.Before(*first.DueAt) {
		t.Errorf("the run started at %v, before it was due at %v", first.StartedAt, first.DueAt)
	}
	s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/runs/" + first.ID + "/output",
		status: 200,
		exact:  "tick",
	})
	state := get[map[string]any](t, s, "/agent/job/state?script_name=every+second")
	for _, key := range []string{
		"next_due_at", "last_run", "failure_streak", "paused",
		"quarantined",
	} {
		if _, present := state[key]; !present {
			t.Errorf("the job's state lacks %q: %v", key, state)
		}
	}
}
