package persistence

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"gusty/messages"
)

// weekOfRuns lets runs of 20 names pass through a store, three rows each as in life, some of them
// with output in files; after each part of them it calls passed.
func weekOfRuns(t *testing.T, s *Store, runs, part int, passed func()) {
	t.Helper()
	for n := 0; n < runs; n += part {
		var ended []messages.Row
		for _, state := range []messages.RunState{
			messages.RunQueued, messages.RunRunning,
			messages.RunSucceeded,
		} {
			ended = ended[:0]
			for i := n; i < n+part; i++ {
				run := testRun(i, fmt.Sprint("job ", i%20), state)
				if !state.Active() {
					run.StartedAt, run.EndedAt = run.DueAt, run.DueAt.Add(time.Second)
					run.Output = printed(t, s, i)
				}
				ended = append(ended, messages.RunRow{Run: run})
			}
			commit(t, s, ended...)
		}
		passed()
	}
}

// printed returns the output of run n: each fiftieth has printed too much for its row.
func printed(t *testing.T, s *Store, n int) messages.OutputSummary {
	t.Helper()
	if n%50 != 0 {
		return messages.OutputSummary{
			StdoutBytes: 60,
			Inline:      []messages.OutputChunk{{Stream: messages.Stdout, Data: make([]byte, 60)}},
		}
	}
	o := s.NewOutput(testRunID(n), 1<<20)
	if err := o.Write(messages.Stdout, bytes.Repeat([]byte("x"), 8000),
		time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	summary, err := o.Close()
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// TestTheFileStaysAtItsSteadySize is a week of runs in small: many times what the bounds let stay
// passes through.
func TestTheFileStaysAtItsSteadySize(t *testing.T) {
	const runs, part = 12_000, 100
	dir := t.TempDir()
	s := openStore(t, dir)
	rows := []messages.Row{limitBytes(1 << 20)}
	for n := range 20 {
		job := testJob(fmt.Sprint("job ", n))
		job.Options.KeepRuns = 10_000
		rows = append(rows, messages.JobRow{Job: job})
	}
	commit(t, s, rows...)
	var sizes []int64
	weekOfRuns(t, s, runs, part, func() { sizes = append(sizes, fileSize(t, dir)) })
	steady, end := sizes[len(sizes)/3], sizes[len(sizes)-1]
	if end > steady*12/10 {
		t.Errorf("the file had %d bytes when the bounds were reached, and %d in the end", steady,
			end)
	}
	files, err := os.ReadDir(s.output)
	kept := allPages(t, s, messages.RunQuery{Limit: 1000})
	if err != nil || len(kept) > runs/4 || len(files) > len(kept)/50+1 {
		t.Errorf("%d runs and %d output files are kept, %v", len(kept), len(files), err)
	}
	t.Logf("%d runs, %d MiB steady, %d MiB in the end", len(kept), steady>>20, end>>20)
	checkCounted(t, s)
}
