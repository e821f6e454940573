//go:build linux

package trees

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	manyRuns   = 10_000 // with the machine's best mark, in full length
	fewRuns    = 600
	manyAtOnce = 8
	// of heap and stacks: the garbage of an agent at work, and less than 1 KiB for each of many
	// runs
	growthBytes = 8 << 20
)

// TestManyRuns runs `true` until anything that a run leaves behind would show.
func TestManyRuns(t *testing.T) {
	runs := fewRuns
	if pidspace.Full() {
		runs = manyRuns
	}
	f := marks[0].start(t)
	f.times(t, manyAtOnce, 200) // what is opened once for all is open now
	pidspace.ExpectOnly(t, f.PID)
	f.client.Close()
	descriptors, before := pidspace.Descriptors(t, f.PID), f.memory(t)
	begun := time.Now()
	f.times(t, manyAtOnce, runs)
	took := time.Since(begun)
	pidspace.ExpectOnly(t, f.PID)
	f.expectDescriptors(t, descriptors)
	after := f.memory(t)
	t.Logf("%d runs in %s; heap and stacks before %d KiB, after %d KiB", runs,
		took.Round(time.Second), before>>10, after>>10)
	if after > before+growthBytes {
		t.Errorf("heap and stacks grew from %d to %d KiB over %d runs", before>>10, after>>10, runs)
	}
}

func (f *fixture) memory(t *testing.T) int64 {
	t.Helper()
	m, err := agent.ReadMemory(f.PID)
	if err != nil {
		t.Fatal(err)
	}
	return m.Anon
}

// times runs `true` so often, and waits for each.
func (f *fixture) times(t *testing.T, atOnce, runs int) {
	t.Helper()
	work := make(chan struct{})
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for range work {
				body, err := f.client.Want(t.Context(), 200, "POST", "/agent/job/execute", `{"script_name":"true","content":"true","script_type":1}`)
				if err != nil {
					t.Error(fmt.Errorf("%w: %s", err, body))
				}
			}
		})
	}
	for range runs {
		work <- struct{}{}
	}
	close(work)
	all.Wait()
}
