//go:build linux && amd64

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// places are where an agent may find itself; each is what a shell does before it becomes the agent.
var places = []struct{ name, shell string }{
	{name: "root cgroup", shell: `exec %[1]s "$@"`},
	{
		name: "delegated cgroup", // as systemd leaves it with Delegate=yes
		shell: `cd /sys/fs/cgroup; echo '+cpu +memory' >cgroup.subtree_control; mkdir service; echo $$ >service/cgroup.procs
cd /; exec %[1]s "$@"`,
	},
	{name: "first process", shell: `exec unshare --pid --fork --kill-child --mount-proc %[1]s "$@"`},
}

// TestLimits holds runs to what their jobs say, wherever the agent lives.
func TestLimits(t *testing.T) {
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			f := start(t, wrapper(t, fmt.Sprintf(place.shell, gustyd())))
			t.Run("memory", f.testMemory)
			t.Run("orphans", f.testOrphans)
			if place.name == "root cgroup" { // they take long, and the others have nothing to add
				t.Run("processor", f.testProcessor)
				t.Run("processes", f.testProcesses)
			}
		})
	}
}

func wrapper(t *testing.T, shell string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gustyd")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+shell+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// testMemory also expects a run beside it to live on.
func (f *fixture) testMemory(t *testing.T) {
	const limit = 24 << 20
	f.store(t, "small", agent.Never, "sleep 1.5; exit 0",
		map[string]any{"memory_limit_bytes": limit})
	f.store(t, "large", agent.Never, "(sleep 1000 &) ; x=$(head -c 60000000 /dev/zero | tr '\\0' "+
		"x); sleep 1000", map[string]any{"memory_limit_bytes": limit})
	small, err := f.client.StartJob(t.Context(), "small")
	if err != nil {
		t.Fatal(err)
	}
	if run := f.runToEnd(t, "large"); run.State != "failed" ||
		run.Reason != "it reached its memory limit" {
		t.Errorf("a run over its limit: %+v", run)
	}
	if run, err := f.client.AwaitEnd(t.Context(), small.ID); err != nil ||
		run.State != "succeeded" {
		t.Errorf("a run below its limit: %+v, %v", run, err)
	}
}

// testProcessor lets a loop run for two seconds on half a core.
func (f *fixture) testProcessor(t *testing.T) {
	f.store(t, "busy", agent.Never, "while :; do :; done & while :; do :; done", map[string]any{
		"cpu_limit_percent": 50, "timeout_seconds": 2, "kill_grace_seconds": 0,
	})
	run := f.runToEnd(t, "busy")
	used := float64(run.UserMS+run.SystemMS) / float64(run.DurationMS)
	t.Logf("a busy loop used %.0f %% of a core over %d ms", 100*used, run.DurationMS)
	if run.State != "timed_out" || used < 0.25 || used > 0.65 {
		t.Errorf("half a core: %+v", run)
	}
}

// testProcesses lets a fork bomb go off within its limits.
func (f *fixture) testProcesses(t *testing.T) {
	f.store(t, "bomb", agent.Never, "ulimit -u 100 || exit 9; b() { b | b & b; }; b 2>/dev/null; "+
		"wait", map[string]any{
		"run_as": "nobody", "timeout_seconds": 2, "kill_grace_seconds": 1, "output_limit_bytes": 4096, "memory_limit_bytes": 256 << 20,
	})
	if run := f.runToEnd(t, "bomb"); run.State != "timed_out" || run.DurationMS > 10_000 {
		t.Errorf("a fork bomb: %+v", run)
	}
}

// testOrphans expects what runs leave behind to be ended and reaped.
func (f *fixture) testOrphans(t *testing.T) {
	f.store(t, "orphans", agent.Never, "for i in 1 2 3 4; do (setsid sleep 1000 & setsid sleep "+
		".05 &) ; done; exit 0", map[string]any{"kill_remaining": true})
	if run := f.runToEnd(t, "orphans"); run.State != "succeeded" {
		t.Errorf("%+v", run)
	}
	pidspace.Eventually(t, 5*time.Second, func() error {
		for _, p := range pidspace.Processes() {
			if p.State == "Z" || strings.HasPrefix(p.Command, "sleep") {
				return fmt.Errorf("it is left: %+v", p)
			}
		}
		return nil
	})
}
