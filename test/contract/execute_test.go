package contract

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

func command(line string, fields ...string) string {
	return `{"command":` + text(base64.StdEncoding.EncodeToString([]byte(line))) + strings.Join(fields, "") + `}`
}

type outcome struct {
	Success  bool
	Message  string
	ExitCode *int `json:"exit_code"`
	Stdout   string
	Stderr   string
	TimedOut bool   `json:"timed_out"`
	RunID    string `json:"run_id"`
}

func testExecute(t *testing.T, s *suite) {
	post := func(name, body string, status int) probe {
		return probe{
			name:   name,
			method: http.MethodPost,
			path:   "/agent/command/execute",
			body:   body,
			status: status,
		}
	}
	empty := post("empty", command(""), 400)
	empty.code = "empty_command"
	missing := post("command missing", `{}`, 422)
	missing.field = "command"
	s.run(t, []probe{
		empty, missing,
		post("not base64", `{"command":"%"}`, 422),
		post("a number", `{"command":1}`, 422),
		post("not JSON", `command`, 400),
		post("time-out zero", command("true", `,"timeout_seconds":0`), 422),
		post("time-out a text", command("true", `,"timeout_seconds":"1"`), 422),
	})
	t.Run("prints", func(t *testing.T) {
		got := s.execute(t, command("echo out; echo err >&2"))
		exited := got.ExitCode != nil && *got.ExitCode == 0
		if !got.Success || !exited || strings.TrimSpace(got.Message) != "out" ||
			got.Stdout != "out\n" || got.Stderr != "err\n" {
			t.Errorf("the outcome is %+v", got)
		}
	})
	t.Run("fails", func(t *testing.T) {
		got := s.execute(t, command("echo bad >&2; exit 3"))
		if got.Success || !strings.HasPrefix(got.Message, "Command failed with error: bad") ||
			got.ExitCode == nil || *got.ExitCode != 3 {
			t.Errorf("the outcome is %+v", got)
		}
	})
	t.Run("time-out", func(t *testing.T) { testTimeout(t, s) })
	t.Run("does not block others", func(t *testing.T) { testNoBlocking(t, s) })
	t.Run("script", func(t *testing.T) { testScript(t, s) })
}

func (s *suite) execute(t *testing.T, body string) outcome {
	t.Helper()
	answer := s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/command/execute",
		body:   body,
		status: 200,
	})
	requireShape(t, "the outcome", answer.Body, commandShape())
	return decode[outcome](t, answer.Body)
}

// testTimeout lets a command time out that has a child of its own and one that left its process
// group: none may outlive it.
func testTimeout(t *testing.T, s *suite) {
	pids := filepath.Join(t.TempDir(), "pids")
	line := fmt.Sprintf("sleep 61 & echo $! >%[1]s; setsid sleep 62 & echo $$ >>%[1]s; sleep 63",
		pids)
	begun := time.Now()
	got := s.execute(t, command(line, `,"timeout_seconds":1`))
	if got.Success || !got.TimedOut || time.Since(begun) > 40*time.Second {
		t.Errorf("after %s the outcome is %+v", time.Since(begun), got)
	}
	data, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(data)) {
		eventually(t, "process "+pid+" of the timed-out command has ended", func() bool {
			return !lives(pid)
		})
	}
}

// lives reports whether a process runs; one that ended and waits to be reaped does not.
func lives(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// testNoBlocking reads while a command runs, which ends only after that: the answers do not wait
// for it.
func testNoBlocking(t *testing.T, s *suite) {
	dir := t.TempDir()
	begun, until := filepath.Join(dir, "begun"), filepath.Join(dir, "until")
	slow := make(chan outcome, 1)
	go func() {
		slow <- s.execute(t, command(fmt.Sprintf(": >%s; until [ -e %s ]; do sleep .05; done; "+
			"echo waited", begun, until)))
	}()
	eventually(t, "the command runs", func() bool { _, err := os.Stat(begun); return err == nil })
	s.ask(t, probe{method: http.MethodGet, path: "/agent/jobs", status: 200})
	s.ask(t, probe{method: http.MethodGet, path: "/agent/metric", status: 200})
	write(t, dir, "until", nil)
	if got := <-slow; strings.TrimSpace(got.Message) != "waited" {
		t.Errorf("the command's outcome is %+v", got)
	}
}

// testScript runs scripts that come with the request, in plain text, with arguments as a shell
// would split them.
func testScript(t *testing.T, s *suite) {
	body := func(name string, fields map[string]any) string {
		all := map[string]any{"cron_expression": nil, "content": `printf '%s|' "$@"`, "arguments": `one "two three" 'fo'ur`}
		for field, value := range fields {
			all[field] = value
		}
		return jobWith(t, name, all)
	}
	post := func(name, body string, status int, field string) probe {
		return probe{
			name:   name,
			method: http.MethodPost,
			path:   "/agent/job/execute",
			body:   body,
			status: status,
			field:  field,
		}
	}
	s.run(t, []probe{
		post("name missing", body("", map[string]any{"script_name": nil}), 422, "script_name"),
		post("content missing", body("x", map[string]any{"content": nil}), 422, "content"),
		post("type missing", body("x", map[string]any{"script_type": nil}), 422, "script_type"),
		post("type unknown", body("x", map[string]any{"script_type": 9}), 422, "script_type"),
		post("quote open", body("x", map[string]any{"arguments": "'"}), 422, "arguments"),
		post("not JSON", "{", 400, ""),
	})
	execute := func(fields map[string]any) outcome {
		answer := s.ask(t, probe{
			method: http.MethodPost,
			path:   "/agent/job/execute",
			body:   body("sent along", fields),
			status: 200,
		})
		return decode[outcome](t, answer.Body)
	}
	if got := execute(nil); !got.Success || got.Message != "one|two three|four|" {
		t.Errorf("the outcome is %+v", got)
	}
	python := execute(map[string]any{
		"script_type": 0,
		"content":     "import sys\nprint(len(sys.argv), sys.version_info[0])",
	})
	if !python.Success || strings.TrimSpace(python.Message) != "4 3" {
		t.Errorf("the outcome of the Python script is %+v", python)
	}
	if got := execute(map[string]any{"content": "exit 9"}); got.Success || got.ExitCode == nil ||
		*got.ExitCode != 9 {
		t.Errorf("the outcome of a script that fails is %+v", got)
	}
	async := execute(map[string]any{"async_exec": true})
	if !async.Success || async.Message != "Job running in the background" || async.RunID == "" {
		t.Fatalf("the outcome of a script in the background is %+v", async)
	}
	s.awaitRun(t, async.RunID, "succeeded")
}

// awaitRun waits until the run has reached the state, and fails the test where it ends in another
// one.
func (s *suite) awaitRun(t *testing.T, id, state string) run {
	t.Helper()
	var r run
	eventually(t, "run "+id+" "+state, func() bool {
		r = get[run](t, s, "/agent/runs/"+id)
		if r.State != state && r.State != "queued" && r.State != "running" {
			t.Fatalf("run %s is %s (%+v), want %s", id, r.State, r, state)
		}
		return r.State == state
	})
	return r
}

// startRun stores a job that never fires by itself, runs it once and returns the run's id.
func (s *suite) startRun(t *testing.T, name, script string) string {
	t.Helper()
	s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/job",
		body:   agent.JobBody(name, "0 0 30 2 *", script),
		status: 200,
	})
	answer := s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/job/run?script_name=" + name,
		status: 202,
	})
	return decode[run](t, answer.Body).ID
}
