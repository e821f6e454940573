package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// mostUnrun is how many records of what did not run a job has in each state: ten, and one that
// stands for all that is older. One more may wait for the trimmer.
const mostUnrun = 12

// history is what the agent keeps of a job.
type history struct {
	*suite
	job string
}

// in returns the job's runs in a state, newest first, and how many firings or runs they stand for.
func (h *history) in(t *testing.T, state string) (runs []agent.Run, firings int) {
	t.Helper()
	runs, err := h.client.Runs(t.Context(), "state="+state+"&script_name="+url.QueryEscape(h.job))
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		firings += runs[i].Count
	}
	return runs, firings
}

// bounded expects few records in a state, which stand for so many firings or more.
func (h *history) bounded(t *testing.T, state string, least int) {
	t.Helper()
	if runs, firings := h.in(t, state); len(runs) > mostUnrun || firings < least {
		t.Errorf("%d records of %d %s", len(runs), firings, state)
	}
}

// holds expects the record of a failed run with its output, in the list and as the job's last run.
func (h *history) holds(t *testing.T, id string) {
	t.Helper()
	failed, _ := h.in(t, "failed")
	found := false
	for i := range failed {
		found = found || failed[i].ID == id
	}
	if !found {
		t.Errorf("run %s is not listed: %+v", id, failed)
	}
	output := "/agent/runs/" + id + "/output?stream=stdout"
	h.run(t, []probe{
		{name: "the run", method: http.MethodGet, path: "/agent/runs/" + id, status: 200},
		{name: "its output", method: http.MethodGet, path: output, status: 200, exact: "begin\nERROR: disk is full"},
	})
}

// counted returns how often the agent has counted an outcome since it was started.
func (h *history) counted(t *testing.T, state string) (n int) {
	t.Helper()
	text := string(h.ask(t, probe{method: http.MethodGet, path: "/metrics", status: 200}).Body)
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, `gusty_runs_total{state="`+state+`"} `); found {
			if _, err := fmt.Sscan(rest, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

// gated returns a script that fails when the file gate is there, and takes it away. It gives up
// some time after the longest test: a killed agent may leave it behind.
func gated(gate string) string {
	return "echo begin; for i in {1..4800}; do [ -e " + gate + " ] && break; sleep 0.05; done; " +
		"rm " + gate + "; echo ERROR: disk is full; exit 7"
}

// patient waits for what takes many firings of every second.
func patient(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestSkippedFiringsPushNoRunOut lets a run hang while its job goes on firing, and go on after it.
func TestSkippedFiringsPushNoRunOut(t *testing.T) {
	for _, policy := range []string{"skip", "queue"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			gate := filepath.Join(t.TempDir(), "gate")
			h := &history{startSuite(t, dir), "job"}
			options := map[string]any{"keep_runs": 5, "overlap_policy": policy}
			body := agent.JobBodyWith("job", "* * * * * *", gated(gate), options)
			h.ask(t, probe{method: http.MethodPost, path: "/agent/job", body: body, status: 200})
			skipped := func(n int) {
				t.Helper()
				patient(t, "firings are skipped", func() bool {
					_, firings := h.in(t, "skipped")
					return firings >= n
				})
			}
			skipped(13)
			running, _ := h.in(t, "running")
			if len(running) != 1 {
				t.Fatalf("%d runs are under way", len(running))
			}
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			ended := h.awaitRun(t, running[0].ID, "failed")
			_, before := h.in(t, "skipped")
			skipped(before + 13)
			h.holds(t, ended.ID)
			h.bounded(t, "skipped", before+13)
			state := get[struct {
				LastRun struct {
					ID string `json:"run_id"`
				} `json:"last_run"`
			}](t, h.suite, "/agent/job/state?script_name=job")
			if running, _ = h.in(t, "running"); len(running) != 1 ||
				state.LastRun.ID != running[0].ID {
				t.Errorf("the last run is %+v, and %+v is under way", state.LastRun, running)
			}
			h.ask(t, probe{
				method: http.MethodPut,
				path:   "/agent/job/pause?script_name=job",
				status: 200,
			})
			all := 0
			patient(t, "what the metrics count is recorded", func() bool {
				_, all = h.in(t, "skipped")
				return all == h.counted(t, "skipped")
			})
			if err := h.process.Kill(); err != nil {
				t.Fatal(err)
			}
			h.suite = startSuite(t, dir)
			h.holds(t, ended.ID)
			if _, again := h.in(t, "skipped"); again < all || again > all+1 { // one may have waited
				t.Errorf("there are records of %d skipped firings, and before the kill of %d",
					again, all)
			}
		})
	}
}

// TestUnstartedRunsPushNoRunOut lets many runs come to nothing behind one that failed: each is
// cancelled before it starts, or cannot be started.
func TestUnstartedRunsPushNoRunOut(t *testing.T) {
	t.Parallel()
	const many = 40
	gate := filepath.Join(t.TempDir(), "gate")
	h := &history{startSuite(t, t.TempDir()), "job"}
	put := func(method string, options map[string]any) {
		t.Helper()
		body := agent.JobBodyWith("job", "0 0 30 2 *", gated(gate), options)
		h.ask(t, probe{method: method, path: "/agent/job", body: body, status: 200})
	}
	start := func(job string) string {
		t.Helper()
		path := "/agent/job/run?script_name=" + job
		return decode[run](t, h.ask(t, probe{
			method: http.MethodPost,
			path:   path,
			status: 202,
		}).Body).ID
	}
	put(http.MethodPost, map[string]any{"keep_runs": 1})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := h.awaitRun(t, start("job"), "failed")

	h.ask(t, probe{
		method: http.MethodPut, path: "/agent/config", body: property("max_concurrent_runs", "1"),
		status: 200,
	})
	blocker := h.startRun(t, "blocker", "exec sleep 600")
	h.awaitRun(t, blocker, "running")
	for range many {
		cancel := "/agent/runs/" + start("job") + "/cancel"
		h.ask(t, probe{method: http.MethodPost, path: cancel, status: 200})
	}
	h.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/runs/" + blocker + "/cancel",
		status: 200,
	})
	h.holds(t, failed.ID)
	h.bounded(t, "cancelled", many)

	put(http.MethodPut, map[string]any{"working_directory": filepath.Join(t.TempDir(), "none")})
	for range many {
		h.awaitRun(t, start("job"), "failed")
	}
	h.holds(t, failed.ID)
	h.bounded(t, "failed", many+1)
}

// TestMissedFiringsPushNoRunOut pauses and resumes a job again and again, so that each time a
// firing or two are missed.
func TestMissedFiringsPushNoRunOut(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	h := &history{startSuite(t, t.TempDir()), "job"}
	body := agent.JobBodyWith("job", "* * * * * *", gated(gate), map[string]any{"keep_runs": 1})
	h.ask(t, probe{method: http.MethodPost, path: "/agent/job", body: body, status: 200})
	var running []agent.Run
	patient(t, "a run is under way", func() bool {
		running, _ = h.in(t, "running")
		return len(running) == 1
	})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := h.awaitRun(t, running[0].ID, "failed")
	for round := 1; round <= 8; round++ {
		paused := time.Now()
		h.ask(t, probe{
			method: http.MethodPut,
			path:   "/agent/job/pause?script_name=job",
			status: 200,
		})
		patient(t, "two seconds have begun", func() bool {
			return time.Since(paused) > 2*time.Second
		})
		_, before := h.in(t, "missed")
		h.ask(t, probe{
			method: http.MethodPut,
			path:   "/agent/job/resume?script_name=job",
			status: 200,
		})
		patient(t, "firings are missed", func() bool {
			_, missed := h.in(t, "missed")
			return missed > before
		})
	}
	h.holds(t, failed.ID)
	h.bounded(t, "missed", 8)
	patient(t, "what the metrics count is recorded", func() bool {
		_, missed := h.in(t, "missed")
		return missed == h.counted(t, "missed")
	})
}
