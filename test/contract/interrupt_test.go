//go:build linux

package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
)

// TestInterrupted ends the agent while a script runs, in order and by a crash: the script does not outlive the next start, and its run is
// recorded as ended and never run again.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		name   string
		how    func(*agent.Process) error
		states string
	}{
		{"in order", stopInOrder, "interrupted cancelled"},
		{"by a crash", (*agent.Process).Kill, "interrupted"},
	} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			process := agent.StartT(t, dir)
			client := process.ClientT(t)
			s := &suite{process: process, client: client, document: loadDocument(t, client)}
			file := filepath.Join(t.TempDir(), "pid")
			id := s.startRun(t, "sleeper", fmt.Sprintf("echo $$ >>%s; exec sleep 313", file))
			pid := awaitPID(t, file)
			if err := end.how(process); err != nil {
				t.Fatal(err)
			}
			s.process = agent.StartT(t, dir)
			s.client.URL = s.process.URL
			eventually(t, "the script has ended", func() bool { return !lives(pid) })
			var r run
			eventually(t, "the run is recorded as ended", func() bool { r = get[run](t, s, "/agent/runs/"+id); return r.EndedAt != nil })
			if !strings.Contains(end.states, r.State) || r.Reason == nil || *r.Reason == "" {
				t.Errorf("the run is %+v, want %s with a reason", r, end.states)
			}
			if data, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(data)) != pid {
				t.Errorf("the script ran again: %q (%v)", data, err)
			}
		})
	}
}

func stopInOrder(process *agent.Process) error {
	begun := time.Now()
	code, err := process.Stop()
	if err == nil && (code != 0 || time.Since(begun) > 45*time.Second) {
		err = fmt.Errorf("the agent ended with exit code %d after %s", code, time.Since(begun))
	}
	return err
}

// awaitPID waits for the script to write its process id, and makes sure that the script does not outlive a failed test.
func awaitPID(t *testing.T, file string) string {
	t.Helper()
	var pid string
	eventually(t, "the script runs", func() bool {
		data, err := os.ReadFile(file)
		pid = strings.TrimSpace(string(data))
		return err == nil && pid != ""
	})
	t.Cleanup(func() {
		if n, err := strconv.Atoi(pid); err == nil && lives(pid) && sleeps(pid) {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	})
	return pid
}

// sleeps says whether the process is still the one that this test started, and not a later one of the same number.
func sleeps(pid string) bool {
	line, err := os.ReadFile("/proc/" + pid + "/cmdline")
	return err == nil && string(line) == "sleep\x00313\x00"
}
