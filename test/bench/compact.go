//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gusty/messages"
	"gusty/persistence"
)

const compactGoal = 3.0 // times a plain read and write

// measureCompact cuts a long history to a third and compacts the file, verification and comparison
// included, in turns with reading and writing its bytes.
func measureCompact(ctx context.Context, b *bench) ([]figure, error) {
	dir := b.data("history")
	if err := b.hollow(ctx, dir); err != nil {
		return nil, err
	}
	database, plain := filepath.Join(dir, "gusty.db"), filepath.Join(b.dir, "plain.db")
	var done persistence.Compaction
	var ratios []float64
	var ours, bare []time.Duration
	for round := range b.rounds {
		if round > 0 {
			if err := os.Rename(plain, database); err != nil {
				return nil, err
			}
		}
		begun := time.Now()
		if err := copyPlain(database, plain); err != nil {
			return nil, err
		}
		between := time.Now()
		var err error
		if done, err = persistence.Compact(persistence.Options{Dir: dir}, nil); err != nil {
			return nil, err
		}
		ours, bare = append(ours, time.Since(between)), append(bare, between.Sub(begun))
		ratios = append(ratios, float64(ours[round])/float64(bare[round]))
	}
	times := median(ratios)
	return []figure{{
		what:     fmt.Sprintf("compaction of %s to %s", mega(done.Before), mega(done.After)),
		measured: millis(quantile(ours, 0.5)),
		baseline: millis(quantile(bare, 0.5)) + " plain read and write",
		ratio:    fmt.Sprintf("%.2f", times),
		goal:     fmt.Sprintf("<= %.0f", compactGoal), met: judge(times <= compactGoal),
	}}, os.Remove(plain)
}

// hollow makes a file that is more than half free: a history whose bound was lowered, and which the
// store has trimmed since.
func (b *bench) hollow(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "gusty.db")); err != nil {
		if _, err := b.storeJobs(ctx, "history", 0); err != nil {
			return err
		}
		if _, err := b.history().fill(dir); err != nil {
			return err
		}
	}
	f, err := newFiller(dir)
	if err != nil {
		return err
	}
	bound := f.store.Stats().RunBytes / 3
	f.put(messages.ParameterRow{
		Name:  messages.ParamRunsLimitBytes,
		Local: strconv.FormatUint(bound, 10),
	})
	f.commit()
	for err == nil && f.err == nil && f.store.Stats().RunBytes > bound {
		err = pause(ctx, 100*time.Millisecond)
	}
	return errors.Join(err, f.close())
}

// copyPlain reads a file and writes it durably.
func copyPlain(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	// without copy_file_range, which copies nothing on some file systems
	_, err = io.Copy(struct{ io.Writer }{target}, source)
	return errors.Join(err, target.Sync(), target.Close())
}
