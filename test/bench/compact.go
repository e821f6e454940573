//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gusty/persistence"
)

const compactGoal = 3.0 // times a plain read and write

// measureCompact compacts the file of a long history, verification and comparison included, and compares that with reading and writing the
// bytes of it.
func measureCompact(ctx context.Context, b *bench) ([]figure, error) {
	dir := b.data("history")
	if _, err := os.Stat(filepath.Join(dir, "gusty.db")); err != nil {
		if _, err := b.storeJobs(ctx, "history", 0); err != nil {
			return nil, err
		}
		if _, err := b.history().fill(dir); err != nil {
			return nil, err
		}
	}
	begun := time.Now()
	if err := copyPlain(filepath.Join(dir, "gusty.db"), filepath.Join(b.dir, "plain")); err != nil {
		return nil, err
	}
	plain := time.Since(begun)
	begun = time.Now()
	done, err := persistence.Compact(persistence.Options{Dir: dir}, nil)
	if err != nil {
		return nil, err
	}
	took := time.Since(begun)
	return []figure{{
		what: fmt.Sprintf("compaction of %s to %s", mega(done.Before), mega(done.After)), measured: millis(took),
		baseline: millis(plain) + " plain read and write", ratio: ratio(took, plain), goal: fmt.Sprintf("<= %.0f", compactGoal),
		met: judge(took <= time.Duration(compactGoal*float64(plain))),
	}}, nil
}

// copyPlain reads a file and writes it durably, and removes the copy.
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
	_, err = io.Copy(struct{ io.Writer }{target}, source) // without copy_file_range, which copies nothing on some file systems
	return errors.Join(err, target.Sync(), target.Close(), os.Remove(to))
}
