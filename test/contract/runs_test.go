package contract

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// noRun is a well-formed id that no run has.
const noRun = "01890000-0000-7000-8000-000000000000"

func testRuns(t *testing.T, s *suite) {
	s.run(t, []probe{
		{name: "run none", method: http.MethodPost, path: "/agent/job/run?script_name=none", status: 404, code: "not_found"},
		{name: "run what", method: http.MethodPost, path: "/agent/job/run", status: 400, field: "script_name"},
		{name: "no such run", method: http.MethodGet, path: "/agent/runs/" + noRun, status: 404, code: "not_found"},
		{name: "no such output", method: http.MethodGet, path: "/agent/runs/" + noRun + "/output", status: 404, code: "not_found"},
		{name: "cancel no such run", method: http.MethodPost, path: "/agent/runs/" + noRun + "/cancel", status: 404, code: "not_found"},
		{name: "limit zero", method: http.MethodGet, path: "/agent/runs?limit=0", status: 400, field: "limit"},
		{name: "limit over", method: http.MethodGet, path: "/agent/runs?limit=1001", status: 400, field: "limit"},
		{name: "limit a word", method: http.MethodGet, path: "/agent/runs?limit=all", status: 400, field: "limit"},
		{name: "state unknown", method: http.MethodGet, path: "/agent/runs?state=asleep", status: 400, field: "state"},
		{name: "before what", method: http.MethodGet, path: "/agent/runs?before=yesterday", status: 400, field: "before"},
	})
	t.Run("output", func(t *testing.T) { testOutput(t, s) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, s) })
	t.Run("pages", func(t *testing.T) { testPages(t, s) })
}

// testOutput runs a script that prints on both streams and reads it back in both formats.
func testOutput(t *testing.T, s *suite) {
	id := s.startRun(t, "printer", `echo first; sleep 0.05; echo second >&2; printf '\377\000end'; exit 4`)
	ended := s.awaitRun(t, id, "failed")
	if ended.ExitCode == nil || *ended.ExitCode != 4 || ended.Stdout != 11 || ended.Stderr != 7 ||
		ended.Trigger != "api" || ended.EndedAt == nil {
		t.Errorf("the run is %+v", ended)
	}
	output := "/agent/runs/" + id + "/output"
	s.run(t, []probe{
		{name: "stdout", method: http.MethodGet, path: output + "?stream=stdout", status: 200, exact: "first\n\xff\x00end"},
		{name: "stderr", method: http.MethodGet, path: output + "?stream=stderr", status: 200, exact: "second"},
		{name: "lines", method: http.MethodGet, path: output + "?stream=all&format=ndjson", status: 200, check: checkLines},
		{name: "no such stream", method: http.MethodGet, path: output + "?stream=both", status: 400, field: "stream"},
		{name: "no such format", method: http.MethodGet, path: output + "?format=xml", status: 400, field: "format"},
		{name: "cancel what has ended", method: http.MethodPost, path: "/agent/runs/" + id + "/cancel", status: 409},
		{name: "clean up", method: http.MethodDelete, path: "/agent/job?script_name=printer", status: 200},
		{name: "the run stays", method: http.MethodGet, path: "/agent/runs/" + id, status: 200, check: checkRunKeys},
	})
}

// checkRunKeys expects every key of a run, absent values as null.
func checkRunKeys(t *testing.T, body []byte) {
	got := decode[map[string]json.RawMessage](t, body)
	for _, key := range []string{
		"run_id", "script_name", "state", "reason", "trigger", "due_at", "started_at", "ended_at",
		"duration_ms", "exit_code", "signal",
		"attempt", "stdout_bytes", "stderr_bytes", "stdout_truncated", "stderr_truncated",
		"cpu_user_ms", "cpu_system_ms", "max_rss_bytes",
		"principal", "count",
	} {
		if _, present := got[key]; !present {
			t.Errorf("the run lacks %q: %s", key, body)
		}
	}
}

// checkLines expects lines of JSON that name the stream and the time of each piece.
func checkLines(t *testing.T, body []byte) {
	streams := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(string(body))) {
		piece := decode[struct{ Stream, At, Text, Base64 string }](t, []byte(line))
		if piece.At == "" {
			t.Errorf("a piece without a time: %s", line)
		}
		data, err := base64.StdEncoding.DecodeString(piece.Base64)
		if err != nil {
			t.Errorf("base64 of %s: %v", line, err)
		}
		streams[piece.Stream] += piece.Text + string(data)
	}
	if streams["stdout"] != "first\n\xff\x00end" || streams["stderr"] != "second\n" {
		t.Errorf("the streams are %q", streams)
	}
}

func testCancel(t *testing.T, s *suite) {
	id := s.startRun(t, "sleeper", "sleep 300 & sleep 301; wait")
	s.awaitRun(t, id, "running")
	s.ask(t, probe{method: http.MethodPost, path: "/agent/runs/" + id + "/cancel", status: 200})
	s.awaitRun(t, id, "cancelled")
	s.ask(t, probe{method: http.MethodPost, path: "/agent/runs/" + id + "/cancel", status: 409})
	s.ask(t, probe{method: http.MethodDelete, path: "/agent/job?script_name=sleeper", status: 200})
}

// testPages walks through all runs in pages of two and finds each once, newest first.
func testPages(t *testing.T, s *suite) {
	all := get[page](t, s, "/agent/runs?limit=1000").Items
	var walked []run
	path := "/agent/runs?limit=2"
	for {
		p := get[page](t, s, path)
		walked = append(walked, p.Items...)
		if p.Next == nil || len(walked) > len(all) {
			break
		}
		path = "/agent/runs?limit=2&before=" + *p.Next
	}
	if len(all) < 3 || len(walked) != len(all) {
		t.Fatalf("%d runs in pages, %d at once", len(walked), len(all))
	}
	for i := range all {
		if walked[i].ID != all[i].ID || (i > 0 && all[i].ID >= all[i-1].ID) {
			t.Errorf("run %d is %s in pages and %s at once, after %s", i, walked[i].ID, all[i].ID,
				all[max(i-1, 0)].ID)
		}
	}
}
