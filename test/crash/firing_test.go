//go:build linux

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	auditedRuns      = 2000 // scripts that ran, in full length
	auditedRunsShort = 150
	auditLimit       = 8 * time.Minute
	perSecond        = 30 // jobs that fire each second
)

// TestFiring kills the agent at random moments while many jobs fire each second, and then audits
// every due time.
func TestFiring(t *testing.T) {
	want := auditedRunsShort
	if pidspace.Full() {
		want = auditedRuns
	}
	c := &campaign{dir: t.TempDir(), witness: filepath.Join(t.TempDir(), "witness")}
	kills := 0
	for begun := time.Now(); c.ran(t) < want; kills++ {
		if time.Since(begun) > auditLimit {
			t.Fatalf("only %d runs in %s", c.ran(t), auditLimit)
		}
		c.live(t, time.Duration(50+rand.IntN(2500))*time.Millisecond)
		if kills%3 == 2 { // long enough that firings are missed
			<-time.After(time.Duration(rand.IntN(4000)) * time.Millisecond)
		}
	}
	audit := c.settle(t)
	t.Logf("killed %d times; %d scripts ran; runs: %v", kills, c.ran(t), audit.states())
	for _, violation := range audit.violations() {
		t.Error(violation)
	}
}

// campaign is one data directory that agents live on, one after the other.
type campaign struct {
	dir     string
	witness string // each script adds a line: job, due time, run id
	stored  int    // jobs
}

// live starts an agent and kills it after a while.
func (c *campaign) live(t *testing.T, lives time.Duration) {
	t.Helper()
	process, err := agent.Start(t.Context(), agent.Options{
		Binary: os.Getenv(agent.BinaryVariable),
		Dir:    c.dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(lives, func() { _ = process.Kill() })
	defer timer.Stop()
	c.store(t, process.ClientT(t))
	<-process.Done()
}

// store stores the jobs, and where the agent is killed meanwhile goes on with the next one.
func (c *campaign) store(t *testing.T, client *agent.Client) {
	t.Helper()
	for ; c.stored < perSecond; c.stored++ {
		i := c.stored
		expression := []string{"* * * * * *", "@every 1s", "*/2 * * * * *", "* * * * * *"}[i%4]
		script := "echo \"$GUSTY_JOB $GUSTY_DUE_AT $GUSTY_RUN_ID\" >>\"$WITNESS\"\n" +
			[]string{"", "sleep .1", "sleep 1.3"}[i%3]
		_, err := client.Do(t.Context(), http.MethodPost, "/agent/job",
			agent.JobBodyWith(fmt.Sprintf("job%d", i), expression, script, map[string]any{
				"overlap_policy": []string{"skip", "allow", "queue", "replace"}[i/3%4], "misfire_policy": []string{"skip", "run_once", "run_all"}[i/2%3],
				"misfire_grace_seconds": i / 4 % 3, "keep_runs": 10000, "environment": map[string]string{"WITNESS": c.witness},
			}), nil)
		if err != nil {
			return
		}
	}
}

// ran counts the lines that scripts have written.
func (c *campaign) ran(t *testing.T) int { return len(c.lines(t)) }

// settle starts the last agent and lets it settle what the others have left.
func (c *campaign) settle(t *testing.T) *audit {
	t.Helper()
	return c.settled(t, start(t, c.dir).ClientT(t))
}

// settled stops firing, waits until nothing runs, and reads all that is recorded.
func (c *campaign) settled(t *testing.T, client *agent.Client) *audit {
	t.Helper()
	if _, err := client.Want(t.Context(), http.StatusOK, http.MethodPut, "/agent/jobs/stop",
		""); err != nil {
		t.Fatal(err)
	}
	var runs []agent.Run
	pidspace.Eventually(t, 20*time.Second, func() (err error) {
		if runs, err = client.Runs(t.Context(), ""); err != nil {
			return err
		}
		for _, run := range runs {
			if run.Active() {
				err = errors.Join(err,
					fmt.Errorf("run %s of %s due %s is %s for ever", run.ID, run.Job, run.DueAt,
						run.State))
			}
		}
		return err
	})
	return &audit{runs: runs, lines: c.lines(t)}
}
