package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/test/agent"
)

// TestRunsInheritNothingOfTheStart starts an agent as from a terminal in the middle of other work:
// with secrets and a service manager's marks in the environment, an open descriptor, a careless
// umask and without address randomization. Nothing of that reaches a run.
func TestRunsInheritNothingOfTheStart(t *testing.T) {
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "careless")
	weak := ""
	if setarch, err := exec.LookPath("setarch"); err == nil &&
		exec.Command(setarch, "-R", "true").Run() == nil {
		weak = setarch + " -R "
	}
	script := "#!/bin/sh\numask 0\nexec 7</etc/passwd\nexec " + weak + "'" +
		os.Getenv(agent.BinaryVariable) + "' \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"GUSTY_PASSWORD=careless", "GUSTY_SECRET=careless", "WATCHDOG_PID=1",
		"WATCHDOG_USEC=60000000", "LISTEN_FDS=1", "LISTEN_PID=1",
		"CREDENTIALS_DIRECTORY=/careless", "INVOCATION_ID=careless", "JOURNAL_STREAM=1:2",
		"XDG_RUNTIME_DIR=/careless", "SSH_AUTH_SOCK=/careless",
		"SUDO_USER=careless", "TERM=careless", "AWS_SECRET_ACCESS_KEY=careless",
		"BASH_ENV=/careless", "PYTHONPATH=/careless", "LD_BIND_NOW=1",
	}
	process, err := agent.Start(t.Context(), agent.Options{
		Binary: wrapper,
		Dir:    filepath.Join(dir, "data"),
		Env:    environment,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Kill(); err != nil {
			t.Error(err)
		}
	})
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	got := s.execute(t, command("umask; cat /proc/self/personality; ls -m /proc/$$/fd; env"))
	lines := strings.Split(strings.TrimSpace(got.Stdout), "\n")
	if len(lines) < 4 || lines[0] != "0022" || lines[1] != "00000000" || lines[2] != "0, 1, 2" {
		t.Fatalf("umask, personality and descriptors: %q", got.Stdout)
	}
	known := []string{
		"PATH", "HOME", "USER", "LANG", "TZ", "PWD", "GUSTY_JOB", "GUSTY_RUN_ID",
		"GUSTY_DUE_AT", "GUSTY_ATTEMPT",
	}
	for _, line := range lines[3:] {
		if name, _, _ := strings.Cut(line, "="); !slices.Contains(known, name) ||
			strings.Contains(line, "careless") {
			t.Errorf("the environment has %q", line)
		}
	}
}
