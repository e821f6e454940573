package crash

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gusty/test/agent"
)

// CyclesVariable is the environment variable that says how often the agent is killed.
const CyclesVariable = "GUSTY_CRASH_CYCLES"

const (
	defaultCycles = 20
	clients       = 8
	jobsEach      = 6
)

// TestCrash kills the agent while eight clients write and one job fires every second.
func TestCrash(t *testing.T) {
	writers := make([]*writer, clients)
	for i := range writers {
		writers[i] = &writer{
			ledger: newLedger(i, jobsEach),
			random: rand.New(rand.NewPCG(uint64(i), 0)),
		}
	}
	dir := t.TempDir()
	for cycle := range cycles(t) {
		lived := time.Duration(20+rand.IntN(250)) * time.Millisecond
		if !runCycle(t, dir, writers, cycle == 0, lived) {
			t.Fatalf("in cycle %d, killed after %s of writing", cycle+1, lived)
		}
	}
	verify(t, start(t, dir).ClientT(t), writers)
	total := 0
	for _, w := range writers {
		total += w.writes
	}
	t.Logf("%d cycles, %d acknowledged writes, none lost", cycles(t), total)
}

func cycles(t *testing.T) int {
	value := os.Getenv(CyclesVariable)
	if value == "" {
		return defaultCycles
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number of cycles", CyclesVariable, value)
	}
	return n
}

func start(t *testing.T, dir string) *agent.Process { return agent.StartT(t, dir) }

// runCycle starts the agent, checks what it remembers, lets all clients write, and kills it after a
// while.
func runCycle(t *testing.T, dir string, writers []*writer, first bool, lived time.Duration) bool {
	t.Helper()
	process := start(t, dir)
	client := process.ClientT(t)
	if first {
		if _, err := client.Want(t.Context(), http.StatusOK, http.MethodPost, "/agent/job",
			agent.JobBody("ticker", "* * * * * *", "true")); err != nil {
			t.Fatal(err)
		}
	}
	if !verify(t, client, writers) {
		return false
	}
	time.AfterFunc(lived, func() { _ = process.Kill() })
	return writeAll(t, client, writers) && process.Kill() == nil
}

// writeAll lets every client write until the agent is gone.
func writeAll(t *testing.T, client *agent.Client, writers []*writer) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	errs := make([]error, len(writers))
	var all sync.WaitGroup
	for i, w := range writers {
		all.Go(func() { errs[i] = w.write(ctx, client) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	return !t.Failed()
}

// verify compares each job with its ledger, and the list of names with both.
func verify(t *testing.T, client *agent.Client, writers []*writer) bool {
	t.Helper()
	want := []string{"ticker"}
	for _, w := range writers {
		for _, e := range w.ledger {
			version, err := found(t.Context(), client, e.name)
			if err != nil {
				t.Error(err)
				continue
			}
			if !e.allows(version) {
				t.Errorf("%q is at version %d (0: absent); %d was acknowledged, and %d is open",
					e.name, version, e.version, e.pending)
			}
			e.settle(version)
			if version != 0 {
				want = append(want, e.name)
			}
		}
	}
	requireNames(t, client, want)
	return !t.Failed()
}

func requireNames(t *testing.T, client *agent.Client, want []string) {
	t.Helper()
	body, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/jobs", "")
	if err != nil {
		t.Error(err)
		return
	}
	var names []string
	if err := json.Unmarshal(body, &names); err != nil {
		t.Error(err)
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the names are %q, want %q", names, want)
	}
}
