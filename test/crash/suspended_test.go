//go:build linux

package crash

import (
	"errors"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	suspension      = 90 * time.Second // in full length
	suspensionShort = 6 * time.Second
	suspendedGrace  = 2 // misfire_grace_seconds
)

// TestSuspended stops the agent for a while, as a debugger would, or a host that is suspended.
func TestSuspended(t *testing.T) {
	pause := suspensionShort
	if pidspace.Full() {
		pause = suspension
	}
	c := &campaign{dir: t.TempDir(), witness: filepath.Join(t.TempDir(), "witness")}
	process := start(t, c.dir)
	client := process.ClientT(t)
	policies := map[string]string{"job0": "skip", "job1": "run_once", "job3": "run_all"}
	for job, policy := range policies {
		body := agent.JobBodyWith(job, "* * * * * *",
			"echo \"$GUSTY_JOB $GUSTY_DUE_AT $GUSTY_RUN_ID\" >>\"$WITNESS\"", map[string]any{
				"overlap_policy": "allow", "misfire_policy": policy, "misfire_grace_seconds": suspendedGrace, "keep_runs": 10000,
				"environment": map[string]string{"WITNESS": c.witness},
			})
		if _, err := client.Want(t.Context(), http.StatusOK, http.MethodPost, "/agent/job",
			body); err != nil {
			t.Fatal(err)
		}
	}
	c.awaitRuns(t, 6)
	c.suspend(t, process, pause)
	c.awaitRuns(t, len(c.lines(t))+12)
	audit := c.settled(t, client)
	for _, violation := range audit.violations() {
		t.Error(violation)
	}
	for job, policy := range policies {
		audit.expectMissed(t, job, policy, int(pause/time.Second))
	}
}

func (c *campaign) suspend(t *testing.T, process *agent.Process, pause time.Duration) {
	t.Helper()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	err := process.Signal(syscall.SIGSTOP)
	<-timer.C
	if err := errors.Join(err, process.Signal(syscall.SIGCONT)); err != nil {
		t.Fatal(err)
	}
}

func (c *campaign) awaitRuns(t *testing.T, n int) {
	t.Helper()
	pidspace.Eventually(t, 10*time.Second, func() error {
		if ran := c.ran(t); ran < n {
			return errors.New("firing does not go on")
		}
		return nil
	})
}

// expectMissed allows for the seconds at both ends, which may count as late or as on time.
func (a *audit) expectMissed(t *testing.T, job, policy string, seconds int) {
	t.Helper()
	missed, madeUp := 0, 0
	for _, run := range a.runs {
		switch {
		case run.Job != job:
		case run.State == "missed":
			missed += firings(run)
		case run.Trigger == "misfire":
			madeUp++
		}
	}
	if missed < seconds-suspendedGrace-2 || missed > seconds-suspendedGrace+2 {
		t.Errorf("%s missed %d firings in %d s", job, missed, seconds)
	}
	if want := map[string]int{"skip": 0, "run_once": 1, "run_all": missed}[policy]; madeUp != want {
		t.Errorf("%s: %d of %d missed firings were made up for, want %d (%s)", job, madeUp, missed,
			want, policy)
	}
}
