//go:build linux

package trees

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// typeIn is Python that tries to type for whoever started the agent: by the terminal of its
// session, and by each that it can open.
const typeIn = `
import fcntl, glob, os
def attempt(name, open_it):
    try:
        fd = open_it()
        for key in b'x':
            fcntl.ioctl(fd, 0x5412, bytes([key]))  # TIOCSTI
        print('typed by', name)
    except OSError as e:
        print('refused', name, e.errno)
attempt('/dev/tty', lambda: os.open('/dev/tty', os.O_RDWR))
if os.getuid() != 0:
    for name in glob.glob('/dev/pts/[0-9]*'):
        attempt('terminal', lambda: os.open(name, os.O_RDWR))
fields = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
print('session', 'own' if int(fields[3]) == int(os.environ.get('TOP') or os.getpid()) else 'shared', 'terminal', fields[4])
`

// TestNoRunHasTheTerminal starts the agent as an operator does who types its name: as a child of a
// shell on a terminal.
func TestNoRunHasTheTerminal(t *testing.T) {
	f := startOnTerminal(t)
	if pid, _, err := f.Announced(); err != nil || terminalOf(t, pid) == "0" {
		t.Fatalf("the agent has no terminal: %v", err)
	}
	nobody := map[string]any{"run_as": "nobody"}
	if !hasManyUsers() {
		nobody = nil
	}
	python := "exec python3 - <<'END'\n" + typeIn + "END\n"
	inner := "export TOP=$$; (python3 - <<'END'\n" + typeIn + "END\n)\n"
	for name, one := range map[string]struct {
		script  string
		options map[string]any
	}{
		"bash":            {python, nil},
		"bash nobody":     {python, nobody},
		"a child":         {inner, nil},
		"a child nobody":  {inner, nobody},
		"background":      {inner + "wait", map[string]any{"kill_remaining": true}},
		"python":          {typeIn, map[string]any{"script_type": 0}},
		"a nice one":      {python, map[string]any{"nice": 10}},
		"a job's own tty": {python, map[string]any{"environment": map[string]string{"TERM": "xterm"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f.store(t, name, one.script, one.options)
			run, err := f.client.StartJob(t.Context(), name)
			if err == nil {
				run, err = f.client.AwaitEnd(t.Context(), run.ID)
			}
			if err != nil || run.State != "succeeded" {
				t.Fatalf("%+v, %v", run, err)
			}
			body, err := f.client.Want(t.Context(), 200, "GET", "/agent/runs/"+run.ID+
				"/output?stream=stdout", "")
			expectNoTerminal(t, string(body), err)
		})
	}
	t.Run("a command", func(t *testing.T) {
		expectNoTerminal(t,
			f.executes(t, "command",
				map[string]any{"command": base64.StdEncoding.EncodeToString([]byte(python))}), nil)
	})
	t.Run("a script that comes with the request", func(t *testing.T) {
		expectNoTerminal(t, f.executes(t, "job", map[string]any{
			"script_name": "ad hoc",
			"content":     python,
			"script_type": 1,
		}), nil)
	})
	t.Run("a retry", func(t *testing.T) {
		f.store(t, "retry", inner+"exit 1", map[string]any{
			"max_retries":         1,
			"retry_delay_seconds": 1,
		})
		if _, err := f.client.StartJob(t.Context(), "retry"); err != nil {
			t.Fatal(err)
		}
		pidspace.Eventually(t, time.Minute, func() error { return f.failedTwice(t) })
	})
}

// failedTwice looks at the output of both attempts once they have ended.
func (f *fixture) failedTwice(t *testing.T) error {
	t.Helper()
	runs, err := f.client.Runs(t.Context(), "script_name=retry&state=failed")
	if err != nil {
		return err
	}
	if len(runs) < 2 {
		return fmt.Errorf("%d attempts have ended", len(runs))
	}
	for _, run := range runs {
		body, err := f.client.Want(t.Context(), 200, "GET", "/agent/runs/"+run.ID+
			"/output?stream=stdout", "")
		expectNoTerminal(t, string(body), err)
	}
	return nil
}

// executes runs what comes with the request, and gives what it printed.
func (f *fixture) executes(t *testing.T, what string, request map[string]any) string {
	t.Helper()
	body, err := json.Marshal(request)
	if err == nil {
		body, err = f.client.Want(t.Context(), 200, "POST", "/agent/"+what+"/execute", string(body))
	}
	var outcome struct{ Stdout string }
	if err == nil {
		err = json.Unmarshal(body, &outcome)
	}
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Stdout
}

// terminalOf returns the number of a process's controlling terminal, "0" where it has none.
func terminalOf(t *testing.T, pid int) string {
	t.Helper()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(line[bytes.LastIndexByte(line, ')'):]))[5]
}

func expectNoTerminal(t *testing.T, out string, err error) {
	t.Helper()
	if err != nil || strings.Contains(out, "typed by") ||
		!strings.Contains(out, "refused /dev/tty 6\n") ||
		!strings.Contains(out, "session own terminal 0\n") {
		t.Errorf("%v: %s", err, out)
	}
}

// startOnTerminal starts an agent below a shell that leads the session of a new terminal.
func startOnTerminal(t *testing.T) *fixture {
	t.Helper()
	for _, program := range []string{"setsid", "bash", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			pidspace.Lacks(t, "%v", err)
		}
	}
	terminal := newTerminal(t)
	m := mark{}
	dir := m.dir(t)
	path := filepath.Join(dir, "gustyd")
	text := fmt.Sprintf(
		"#!/bin/sh\nexec setsid -w -c sh -c '\"$0\" \"$@\"; exit $?' '%s' \"$@\" <%s\n",
		os.Getenv(agent.BinaryVariable), terminal)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	f := &fixture{flags: m.dir(t)}
	var err error
	if f.Process, err = agent.Start(t.Context(), agent.Options{
		Binary: path,
		Dir:    filepath.Join(dir, "data"),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.endBelowShell(t) })
	f.client = f.ClientT(t)
	return f
}

// endBelowShell stops the agent itself, and with it the shell that waits for it.
func (f *fixture) endBelowShell(t *testing.T) {
	pid, _, err := f.Announced()
	if err == nil {
		err = unix.Kill(pid, unix.SIGTERM)
	}
	if err != nil {
		t.Error(err)
	}
	if code, err := f.Wait(); code != 0 || err != nil {
		t.Errorf("the agent ended with %d, %v", code, err)
	}
	pidspace.ExpectOnly(t)
}

// newTerminal returns the path of one whose other end is held open.
func newTerminal(t *testing.T) string {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		pidspace.Lacks(t, "there are no terminals: %v", err)
	}
	t.Cleanup(func() { _ = unix.Close(master) })
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/pts/%d", number)
}
