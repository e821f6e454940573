//go:build linux

package crash

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	// SeedVariable is the environment variable that repeats a herd's moments.
	SeedVariable = "GUSTY_HERD_SEED"
	// HerdVariable is the environment variable that asks for other herds: "3000x20" for 3,000 jobs,
	// ended at 20 moments in each way.
	HerdVariable = "GUSTY_HERD"

	herdSlots  = 256 // the parameter max_concurrent_runs as it is
	herdGrace  = 10 * time.Minute
	armedAhead = 600 * time.Millisecond // a firing is recorded by then
	herdEnd    = 2 * time.Minute
	herdEach   = 30 * time.Millisecond // for each job, on a busy machine
)

// herds are how many jobs are due at one second, at how many moments it is ended, and until when
// after that second.
type herds struct {
	jobs, moments int
	within        time.Duration
	ends          []string // how the agent ends
}

// TestHerd ends the agent, by SIGKILL and in order, at moments around the second at which many jobs
// are due, and once more while the next one catches up; then it audits every due time: it ran once,
// or it was being started at a kill and is said to be in doubt.
func TestHerd(t *testing.T) {
	seed := seedOf(t)
	t.Logf("%s=%d", SeedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
	for _, h := range herdsOf(t) {
		for i := range h.moments {
			part := h.within / time.Duration(h.moments) // each moment has its own
			at := part*time.Duration(i) + time.Duration(random.Int64N(int64(part))) - armedAhead
			again := time.Duration(random.Int64N(int64(h.within)))
			for _, end := range h.ends {
				name := fmt.Sprintf("%d jobs, %s at %s", h.jobs, end, at.Round(time.Millisecond))
				t.Run(name, func(t *testing.T) {
					newHerd(t, h.jobs, i).run(t, end, at, again)
				})
			}
		}
	}
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	value := os.Getenv(SeedVariable)
	if value == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func herdsOf(t *testing.T) []herds {
	t.Helper()
	if value := os.Getenv(HerdVariable); value != "" {
		h := herds{ends: []string{"kill", "stop"}}
		_, err := fmt.Sscanf(value, "%dx%d", &h.jobs, &h.moments)
		if err != nil || h.jobs < 1 || h.moments < 1 {
			t.Fatalf("%s is %q, not like 3000x20", HerdVariable, value)
		}
		h.within = 2*time.Second + time.Duration(h.jobs)*2*time.Millisecond
		return []herds{h}
	}
	if pidspace.Full() {
		return []herds{{3000, 2, 6 * time.Second, []string{"kill", "stop"}}}
	}
	return []herds{{500, 2, 2 * time.Second, []string{"kill", "stop", "restart"}}}
}

// herd is a data directory with jobs that are all due at one second.
type herd struct {
	campaign
	jobs    int
	process *agent.Process
	client  *agent.Client
	due     time.Time
}

func newHerd(t *testing.T, jobs, variant int) *herd {
	t.Helper()
	h := emptyHerd(t)
	h.jobs = jobs
	begun := time.Now()
	h.storeAll(t, agent.Never, variant) // to see how long that takes here
	ahead := 2*time.Second + 3*time.Since(begun)
	h.due = time.Now().UTC().Truncate(time.Second).Add(ahead.Truncate(time.Second) + time.Second)
	h.storeAll(t, h.due.Format("5 4 15 2 1 *"), variant)
	if left := time.Until(h.due); left < time.Second {
		t.Fatalf("the jobs were stored only %s before they are due", left)
	}
	return h
}

// witnessed is a script that adds its line to the file that the variable names.
const witnessed = "echo \"$GUSTY_JOB $GUSTY_DUE_AT $GUSTY_RUN_ID\" >>\"$WITNESS\"\n"

// emptyHerd starts an agent without jobs.
func emptyHerd(t *testing.T) *herd {
	t.Helper()
	witness := filepath.Join(t.TempDir(), "witness")
	h := &herd{campaign: campaign{dir: t.TempDir(), witness: witness}}
	h.start(t)
	return h
}

func (h *herd) start(t *testing.T) {
	t.Helper()
	h.process = agent.StartT(t, h.dir)
	h.client = h.process.ClientT(t)
}

// storeAll stores the jobs, some at a time.
func (h *herd) storeAll(t *testing.T, expression string, variant int) {
	t.Helper()
	const some = 1000
	for first := 0; first < h.jobs; first += some {
		h.store(t, first, min(first+some, h.jobs), expression, variant)
	}
}

// store imports some of the jobs, which differ in their policies, and of which some have jitter.
func (h *herd) store(t *testing.T, first, end int, expression string, variant int) {
	t.Helper()
	var lines []string
	script := base64.StdEncoding.EncodeToString([]byte(witnessed))
	for i := first; i < end; i++ {
		name := fmt.Sprintf("job%d", i)
		options := map[string]any{
			"overlap_policy":        []string{"skip", "allow", "queue", "replace"}[i%4],
			"misfire_policy":        []string{"skip", "run_once", "run_all"}[(i+variant)%3],
			"misfire_grace_seconds": int(herdGrace / time.Second),
			"environment":           map[string]string{"WITNESS": h.witness}, "time_zone": "UTC",
		}
		if i%10 == 9 {
			options["jitter_seconds"] = 2
		}
		lines = append(lines,
			tableLine(t, "scheduled_jobs", map[string]any{
				"script_name": name, "content": script, "script_type": 1,
				"cron_expression": expression,
			}),
			tableLine(t, "gusty_job_options", map[string]any{
				"script_name": name, "options": options,
			}))
	}
	h.want(t, http.MethodPost, "/agent/import", strings.Join(lines, "\n"))
}

func tableLine(t *testing.T, table string, row map[string]any) string {
	t.Helper()
	line, err := json.Marshal(map[string]any{"table": table, "row": row})
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

// TestWhatWaitsBesideFirings ends the agent while runs that clients were promised wait for the one
// slot.
func TestWhatWaitsBesideFirings(t *testing.T) {
	for _, end := range []string{"kill", "stop", "shutdown"} {
		t.Run(end, func(t *testing.T) {
			h := emptyHerd(t)
			h.want(t, http.MethodPut, "/agent/config",
				`[{"propertyName":"max_concurrent_runs","propertyValue":"1"}]`)
			witness := "echo \"$GUSTY_JOB x $GUSTY_RUN_ID\" >>'" + h.witness + "'\n"
			h.want(t, http.MethodPost, "/agent/job",
				agent.JobBody("holder", agent.Never, witness+"sleep 1"))
			h.want(t, http.MethodPost, "/agent/job", agent.JobBody("by-hand", agent.Never, witness))
			h.want(t, http.MethodPost, "/agent/job/run?script_name=holder", "")
			h.awaitRuns(t, 1)
			h.want(t, http.MethodPost, "/agent/job/run?script_name=by-hand", "")
			h.want(t, http.MethodPost, "/agent/job/execute",
				agent.JobBodyWith("accepted", "", witness, map[string]any{
					"async_exec": true, "content": witness,
				}))
			h.end(t, end)
			h.awaitRuns(t, 3)
			a := h.settled(t, h.client)
			for _, violation := range append(a.twice(), a.unwitnessed()...) {
				t.Error(violation)
			}
			if len(a.lines) != 3 {
				t.Errorf("%d ran: %v", len(a.lines), a.states())
			}
		})
	}
}

func (h *herd) want(t *testing.T, method, path, body string) {
	t.Helper()
	answer, err := h.client.Do(t.Context(), method, path, body, nil)
	if err != nil || answer.Status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %+v, %v", method, path, answer, err)
	}
}

// run ends the agent at a moment after the due time, the next one at a moment after its start, and
// audits what the third has made of it.
func (h *herd) run(t *testing.T, end string, at, again time.Duration) {
	inDoubt := 0
	<-time.After(time.Until(h.due.Add(at)))
	inDoubt += h.end(t, end)
	<-time.After(again)
	inDoubt += h.end(t, end)
	h.audit(t, inDoubt)
}

// end ends the agent, or its actors, starts it again, and returns how many runs may be in doubt
// then.
func (h *herd) end(t *testing.T, how string) (mayDoubt int) {
	t.Helper()
	switch how {
	case "restart":
		h.want(t, http.MethodPut, "/agent/restart", "")
		return 0
	case "kill":
		if err := h.process.Kill(); err != nil {
			t.Fatal(err)
		}
		mayDoubt = herdSlots
	case "shutdown":
		h.want(t, http.MethodPut, "/agent/shutdown", "")
		<-h.process.Done()
	default:
		if code, err := h.process.Stop(); err != nil || code != 0 {
			t.Fatalf("the stop ended with %d, %v", code, err)
		}
	}
	h.start(t)
	return mayDoubt
}

func (h *herd) audit(t *testing.T, mayDoubt int) {
	t.Helper()
	var runs []agent.Run
	pidspace.Eventually(t, herdEnd+time.Duration(h.jobs)*herdEach, func() (err error) {
		if runs, err = h.client.Runs(t.Context(), ""); err != nil {
			return err
		}
		if len(runs) < h.jobs {
			return fmt.Errorf("%d of %d runs have a record", len(runs), h.jobs)
		}
		if slices.ContainsFunc(runs, func(r agent.Run) bool { return r.Active() }) {
			return errors.New("some runs do not end")
		}
		return nil
	})
	a := &audit{runs: runs, lines: h.lines(t)}
	for _, violation := range append(a.twice(), a.unwitnessed()...) {
		t.Error(violation)
	}
	doubted := a.doubted()
	if doubted > mayDoubt {
		t.Errorf("%d runs are in doubt, and %d may be", doubted, mayDoubt)
	}
	if len(a.lines)+doubted != h.jobs || len(runs) != h.jobs {
		t.Errorf("of %d jobs %d ran and %d are in doubt, in %d records: %v",
			h.jobs, len(a.lines), doubted, len(runs), a.states())
	}
	t.Logf("%d ran, %d are in doubt: %v", len(a.lines), doubted, a.states())
}

// doubted counts the runs that did not run, and whose records leave that open.
func (a *audit) doubted() (n int) {
	ran := map[string]bool{}
	for _, l := range a.lines {
		ran[l.run] = true
	}
	for _, run := range a.runs {
		if run.State == "interrupted" && !ran[run.ID] {
			n++
		}
	}
	return n
}
