//go:build linux

package trees

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// bomb forks without end, as a user that has no right to more than 400 processes.
const bomb = `ulimit -u 400 || exit 9; b() { b | b & b; }; ready; b 2>/dev/null; wait`

// responsiveFor bounds the slowest answer of the agent meanwhile.
const responsiveFor = time.Second

// TestForkBomb lets one go off: the agent goes on answering, and ends it by its time-out.
func TestForkBomb(t *testing.T) {
	eachMark(t, func(t *testing.T, f *fixture) {
		options := map[string]any{
			"timeout_seconds": 2, "kill_grace_seconds": graceSeconds, "environment": map[string]string{"FLAGS": f.flags}, "output_limit_bytes": 4096,
		}
		if f.mark.owner == 0 && hasManyUsers() {
			options["run_as"] = "nobody" // root has no limit on processes
		}
		f.store(t, "bomb", prologue+bomb, options)
		run, err := f.client.StartJob(t.Context(), "bomb")
		if err == nil {
			err = f.awaitReady(t.Context(), run.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.awaitCrowd(t)
		worst, run := f.watch(t, run)
		if run.State != "timed_out" || run.DurationMS > 2000+graceSeconds*1000+
			slack.Milliseconds() {
			t.Errorf("the bomb is %s (%s) after %d ms", run.State, run.Reason, run.DurationMS)
		}
		if worst > responsiveFor {
			t.Errorf("the agent took %s to answer while the bomb went off", worst)
		}
		t.Logf("ended after %d ms; the slowest answer took %s", run.DurationMS, worst)
		pidspace.ExpectOnly(t, f.PID)
	})
}

// awaitCrowd waits until the bomb has gone off.
func (f *fixture) awaitCrowd(t *testing.T) {
	t.Helper()
	pidspace.Eventually(t, 5*time.Second, func() error {
		if n := len(pidspace.Processes(f.PID)); n < 50 {
			return fmt.Errorf("the bomb has %d processes only", n)
		}
		return nil
	})
}

// watch asks the agent for the run until that has ended, and returns the slowest answer.
func (f *fixture) watch(t *testing.T, run agent.Run) (worst time.Duration, ended agent.Run) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		begun := time.Now()
		now, err := f.client.Run(ctx, run.ID)
		worst = max(worst, time.Since(begun))
		if err != nil {
			t.Fatal(err)
		}
		if !now.Active() {
			return worst, now
		}
	}
	return worst, run
}
