package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A swap replaces files of the data directory together, and keeps the old ones under names with the
// time. What is to come is made in one directory, which is given another name when all of it is
// durable: from then on the swap counts, and whoever opens the store next carries it on, from
// wherever it was cut off.
const (
	SwapUnfinished = "swap.new"
	SwapReady      = "swap.ready" // and the suffix that the old files get
)

// Swapped are the names that a swap may replace, in the order in which it does.
func Swapped() []string { return []string{OutputName, KeyName, GenerationName, DatabaseName} }

// BeginSwap returns the empty directory to make the new files in.
func BeginSwap(dir string) (string, error) {
	fresh := filepath.Join(dir, SwapUnfinished)
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	return fresh, MakeDir(fresh)
}

// CommitSwap makes what BeginSwap's directory holds the truth. The old files get the suffix
// ".<word>-<time>", which it gives.
func CommitSwap(dir, word string, now time.Time) (suffix string, err error) {
	if suffix, err = FreeSuffix(dir, word, now); err != nil {
		return "", err
	}
	fresh, ready := filepath.Join(dir, SwapUnfinished), filepath.Join(dir, SwapReady+suffix)
	if err := syncTree(fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, ready); err != nil {
		return "", err
	}
	if err := SyncDir(dir); err != nil {
		return "", err
	}
	return suffix, finishSwap(dir, suffix)
}

// FreeSuffix returns a suffix that no file has yet: a second may have seen another swap.
func FreeSuffix(dir, word string, now time.Time) (string, error) {
	for {
		suffix := "." + word + "-" + now.UTC().Format(asideTime)
		taken, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil || len(taken) == 0 {
			return suffix, err
		}
		now = now.Add(time.Second)
	}
}

// FinishSwaps carries on the swaps that were cut off after they counted, and removes what was made
// for one that never did. A directory that holds none of both is not touched.
func FinishSwaps(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, SwapReady+".*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := finishSwap(dir, strings.TrimPrefix(filepath.Base(name), SwapReady)); err != nil {
			return fmt.Errorf("go on with replacing the store: %w", err)
		}
	}
	if left, err := Exists(filepath.Join(dir, SwapUnfinished)); err != nil || !left {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, SwapUnfinished)); !IsStorageError(err) {
		return err
	}
	return nil // it is in nobody's way, and goes when the disk can be written again
}

// SwapWaits reports whether there is a swap that was cut off after it counted: the database may be
// in its directory.
func SwapWaits(dir string) bool {
	names, err := filepath.Glob(filepath.Join(dir, SwapReady+".*"))
	return err == nil && len(names) > 0
}

// finishSwap moves what is left in a swap's directory to its place. Every step can be the last
// before a crash, and be done again.
func finishSwap(dir, suffix string) error {
	ready := filepath.Join(dir, SwapReady+suffix)
	if err := ForgetStarts(dir); err != nil {
		return err
	}
	for _, name := range Swapped() {
		if waits, err := Exists(filepath.Join(ready, name)); err != nil || !waits {
			if err != nil {
				return err
			}
			continue
		}
		if err := swapIn(ready, dir, name, suffix); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(ready), SyncDir(dir))
}

func swapIn(ready, dir, name, suffix string) error {
	old := filepath.Join(dir, name)
	there, err := Exists(old)
	if err == nil && there {
		err = os.Rename(old, old+suffix)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(ready, name), old); err != nil {
		return err
	}
	return errors.Join(SyncDir(dir), SyncDir(ready))
}
