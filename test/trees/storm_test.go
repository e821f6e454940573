//go:build linux

package trees

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gusty/test/pidspace"
)

const (
	stormRuns      = 500 // of each mark, in full length
	shortStormRuns = 48
	graceSeconds   = 1  // of stubborn trees, which last it
	longGrace      = 30 // of the others, in seconds: who needs it has not heard the request
	timeoutSeconds = 1
	// slack is what a busy machine may add to a run's limits.
	slack = 10 * time.Second
)

// manner is how a run is ended, and what is to become of it.
type manner struct {
	name    string
	options map[string]any
	state   string
	limit   time.Duration // from the start to the end of a tree, its slack apart
}

var manners = []manner{
	{name: "timeout", options: map[string]any{"timeout_seconds": timeoutSeconds}, state: "timed_out", limit: (timeoutSeconds + graceSeconds) * time.Second},
	{name: "cancel", state: "cancelled", limit: graceSeconds * time.Second},
	{name: "exit", options: map[string]any{"kill_remaining": true}, state: "succeeded"},
}

// TestStorm runs all trees again and again, four at a time.
func TestStorm(t *testing.T) {
	runs := shortStormRuns
	if pidspace.Full() {
		runs = stormRuns
	}
	eachMark(t, func(t *testing.T, f *fixture) {
		jobs := f.plant(t)
		pidspace.ExpectOnly(t, f.PID)
		before := pidspace.Descriptors(t, f.PID)
		work := make(chan job)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for j := range work {
					if err := f.once(t.Context(), j); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range runs {
			work <- jobs[i%len(jobs)]
		}
		close(work)
		all.Wait()
		pidspace.ExpectOnly(t, f.PID)
		f.expectDescriptors(t, before)
	})
}

// job is a stored tree with the manner of its end.
type job struct {
	tree
	manner
	job string
}

// plant stores every tree with every manner.
func (f *fixture) plant(t *testing.T) (jobs []job) {
	for _, one := range hardest {
		for _, m := range manners {
			if one.escapes && f.mark.name == "kinship" {
				continue
			}
			script := prologue + one.script
			if m.name == "exit" {
				script = prologue + "( " + one.script +
					"\n) &\nuntil [ -e \"$FLAGS/$GUSTY_RUN_ID\" ]; do sleep .01; done; exit 0"
			}
			grace := longGrace
			if one.stubborn {
				grace = graceSeconds
			}
			options := map[string]any{
				"overlap_policy": "allow", "kill_grace_seconds": grace, "environment": map[string]string{"FLAGS": f.flags}, "output_limit_bytes": 65536,
			}
			for name, value := range m.options {
				options[name] = value
			}
			j := job{tree: one, manner: m, job: one.name + " by " + m.name}
			f.store(t, j.job, script, options)
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// once starts one run and sees it to its end.
func (f *fixture) once(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	run, err := f.client.StartJob(ctx, j.job)
	if err != nil {
		return fmt.Errorf("%s: %w", j.job, err)
	}
	if err := f.awaitReady(ctx, run.ID); err != nil {
		return fmt.Errorf("%s: %w", j.job, err)
	}
	begun := time.Now()
	if j.manner.name == "cancel" {
		if _, err := f.client.Want(ctx, 200, "POST", "/agent/runs/"+run.ID+"/cancel",
			""); err != nil {
			return fmt.Errorf("%s: %w", j.job, err)
		}
	}
	run, err = f.client.AwaitEnd(ctx, run.ID)
	took := time.Since(begun)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", j.job, err)
	case run.State != j.state:
		return fmt.Errorf("%s is %s (%s), want %s", j.job, run.State, run.Reason, j.state)
	case took > j.limit+slack && !j.stubborn:
		return fmt.Errorf("%s took %s: something did not hear the request", j.job, took)
	case took > j.limit+slack:
		return fmt.Errorf("%s took %s", j.job, took)
	}
	return nil
}

func (f *fixture) awaitReady(ctx context.Context, id string) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(filepath.Join(f.flags, id)); err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("run %s did not get ready: %w", id, ctx.Err())
		}
	}
}

// expectDescriptors allows for the connections of this client, which come and go.
func (f *fixture) expectDescriptors(t *testing.T, before int) {
	t.Helper()
	f.client.Close()
	pidspace.Eventually(t, 10*time.Second, func() error {
		if now := pidspace.Descriptors(t, f.PID); now > before {
			return fmt.Errorf("the agent has %d open descriptors, and had %d", now, before)
		}
		return nil
	})
}
