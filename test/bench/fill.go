//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"gusty/messages"
	"gusty/persistence"
)

// fillTogether is how many rows a change has where a store is filled: the committer's batches are
// full, and no fsync is wasted.
const fillTogether = 1000

// filler puts rows into the store of a stopped agent, as the agent itself does. The first error
// stays.
type filler struct {
	store *persistence.Store
	rows  []messages.Row
	err   error
}

func newFiller(dir string) (*filler, error) {
	store, err := persistence.Open(persistence.Options{Dir: dir})
	return &filler{store: store}, err
}

func (f *filler) put(row messages.Row) {
	if f.rows = append(f.rows, row); len(f.rows) >= fillTogether {
		f.commit()
	}
}

func (f *filler) commit() {
	done := make(chan messages.Committed, 1)
	f.store.Submit(messages.Change{Rows: f.rows}, func(c messages.Committed) { done <- c })
	if c := <-done; f.err == nil {
		f.err = c.Err
	}
	f.rows = nil
}

func (f *filler) close() error {
	f.commit()
	if err := f.store.Close(); f.err == nil {
		f.err = err
	}
	return f.err
}

// runID returns the UUIDv7 of the nth run, made at the time.
func runID(n int, at time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	id[6], id[8] = 0x70, 0x80
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// runOf returns the nth run of a job in a state, as it stands in a store.
func runOf(n int, job string, at time.Time, state messages.RunState) messages.Run {
	run := messages.Run{
		ID: runID(n, at), ScriptName: job, Kind: messages.RunOfJob, State: state,
		Trigger: messages.TriggerSchedule, Attempt: 1, DueAt: at,
	}
	if state == messages.RunQueued {
		run.Armed = true
		return run
	}
	run.StartedAt, run.PID, run.PIDStart = at.Add(time.Millisecond), 1000+n, uint64(n)
	if state == messages.RunRunning {
		return run
	}
	code := 0
	run.EndedAt, run.ExitCode = at.Add(20*time.Millisecond), &code
	run.Usage = messages.Usage{
		CPUUser:     time.Millisecond,
		CPUSystem:   time.Millisecond,
		MaxRSSBytes: 4 << 20,
	}
	run.Output = messages.OutputSummary{
		StdoutBytes: 40, Inline: []messages.OutputChunk{{
			Stream: messages.Stdout,
			At:     run.EndedAt,
			Data:   []byte("forty bytes that a small script printed\n"),
		}},
	}
	return run
}
