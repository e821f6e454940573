package persistence

import (
	"errors"
	"fmt"
	"os"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/compact"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// compactFromBytes is the size from which a start compacts a file that is more than half free.
// Below it there is nothing to be had.
const compactFromBytes = 4 << 20

// Compaction says what a compaction did, in bytes of the file.
type Compaction struct{ Before, After int64 }

// Compact writes the database of a stopped agent anew, without its free pages. It verifies it
// first, and changes nothing where that or anything else fails. progress, where it is not nil, is
// told from time to time how many of all steps are done. The error is as that of Open.
func Compact(o Options, progress func(done, all uint64)) (c Compaction, err error) {
	o.Existing, o.StartEmpty = true, false
	o.setDefaults()
	if err := o.makeReady(); err != nil {
		return c, err
	}
	lock, err := datadir.LockDir(o.Dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, datadir.Unlock(lock)) }()
	if err := datadir.FinishSwaps(o.Dir); err != nil {
		return c, err
	}
	kek, _, err := prepare(&o)
	if err != nil {
		return c, err
	}
	return compactFile(&o, kek, progress)
}

// compactAtStart compacts the file where that is worth the time. A start does not fail for want of
// it.
func compactAtStart(o *Options, kek keyring.Key) {
	free, size, err := boltfile.FreeBytes(o.databaseFile())
	if err != nil || size < compactFromBytes || free <= size/2 {
		return
	}
	o.Logger.Info("the database is more than half free and is compacted", "file", o.databaseFile(),
		"bytes", size, "free_bytes", free)
	c, err := compactFile(o, kek, nil)
	if err != nil {
		o.Logger.Warn("the database was not compacted", "error", err)
		return
	}
	o.Logger.Info("the database is compacted", "bytes", c.After)
}

// compact puts a copy of the database in its place.
func compactFile(o *Options, kek keyring.Key, progress func(done, all uint64)) (c Compaction,
	err error,
) {
	path, half := o.databaseFile(), o.databaseFile()+datadir.Compacting
	if c.Before, err = sizeOfFile(path); err != nil {
		return c, err
	}
	if err := removeUnfinished(half); err != nil {
		return c, err
	}
	if err := copyDatabase(path, half, kek, progress); err != nil {
		return c, errors.Join(fmt.Errorf("compact the database: %w", err), removeUnfinished(half))
	}
	if err := os.Rename(half, path); err != nil {
		return c, errors.Join(fmt.Errorf("compact the database: %w", err), removeUnfinished(half))
	}
	if err := datadir.SyncDir(o.Dir); err != nil {
		return c, err
	}
	c.After, err = sizeOfFile(path)
	return c, err
}

// copyDatabase writes a durable copy and compares it with the original.
func copyDatabase(from, to string, kek keyring.Key, progress func(done, all uint64)) error {
	rows, err := countRows(from, kek)
	if err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	c := &compact.Copier{Source: source, Progress: progress, All: 2 * rows}
	return errors.Join(c.CopyTo(to), source.Close())
}

// countRows returns how many rows the ledger counts, which all but the store's own buckets hold.
func countRows(path string, kek keyring.Key) (rows uint64, err error) {
	err = verify.LookInto(path, kek, func(v *verify.Verifier) error {
		l, err := v.Ledger()
		for b := range l.Digests {
			rows += l.Digests[b].Rows
		}
		return err
	})
	return rows, err
}

func removeUnfinished(path string) error {
	// a file system that is read-only refuses to remove what is not there
	there, err := datadir.Exists(path)
	if err == nil && there {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("remove an unfinished compaction: %w", err)
	}
	return nil
}

func sizeOfFile(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("compact the database: %w", err)
	}
	return info.Size(), nil
}
