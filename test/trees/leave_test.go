//go:build linux

package trees

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// TestStopEndsTheTrees stops the agent in order while the stubborn trees are alive, which takes it
// the grace that it gives them.
func TestStopEndsTheTrees(t *testing.T) {
	eachMark(t, func(t *testing.T, f *fixture) {
		if f.mark.name != "cgroup" && !pidspace.Full() {
			t.Skip("in full length only")
		}
		for _, one := range hardest {
			if one.stubborn && !one.escapes {
				f.begin(t, one)
			}
		}
		code, err := f.Stop()
		if code != 0 || err != nil {
			t.Errorf("the agent ended with %d, %v", code, err)
		}
		pidspace.ExpectOnly(t)
	})
}

// begin stores and starts a tree, and waits until all of it is there.
func (f *fixture) begin(t *testing.T, one tree) agent.Run {
	t.Helper()
	f.store(t, one.name, prologue+one.script, map[string]any{
		"kill_grace_seconds": graceSeconds, "environment": map[string]string{"FLAGS": f.flags}, "output_limit_bytes": 65536,
	})
	run, err := f.client.StartJob(t.Context(), one.name)
	if err == nil {
		err = f.awaitReady(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatalf("%s: %v", one.name, err)
	}
	return run
}

// TestWhatEscapes shows what an agent can't hold that has only a limit to mark its runs by: a
// process that has left its session, lost its parents, cleared its environment and lowered that
// limit. The run ends all the same, and the agent reaps the process when that ends.
func TestWhatEscapes(t *testing.T) {
	f := marks[2].start(t)
	for _, one := range hardest {
		if !one.escapes {
			continue
		}
		run := f.begin(t, one)
		if _, err := f.client.Want(t.Context(), 200, "POST", "/agent/runs/"+run.ID+"/cancel",
			""); err != nil {
			t.Fatal(err)
		}
		run, err := f.client.AwaitEnd(t.Context(), run.ID)
		if err != nil || run.State != "cancelled" ||
			run.DurationMS > (graceSeconds*time.Second+slack).Milliseconds() {
			t.Errorf("%s: %+v, %v", one.name, run, err)
		}
		f.endEscaped(t)
	}
}

// endEscaped ends what has escaped: two sleeps, and the shell above them if that does not hear the
// request.
func (f *fixture) endEscaped(t *testing.T) {
	t.Helper()
	pidspace.Eventually(t, 5*time.Second, func() error {
		if left := pidspace.Processes(f.PID); len(left) > 3 {
			return fmt.Errorf("more has escaped than the daemon: %+v", left)
		}
		return nil
	})
	for _, p := range pidspace.Processes(f.PID) {
		_ = syscall.Kill(p.PID, syscall.SIGKILL) // nobody else is in this PID namespace
	}
	pidspace.ExpectOnly(t, f.PID)
}
