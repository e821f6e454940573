package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// A store on a file system that takes no writes opens all the same: it serves reads and refuses
// changes, and opens its file for writing as soon as a change finds that it can.

// openForReading opens a database whose file system is read-only.
func openForReading(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, ReadOnly: true, InitialMmapSize: initialMapBytes, NoStatistics: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// openAnyhow opens a database for writing, or for reading where its file system is read-only.
func openAnyhow(path string) (*bolt.DB, error) {
	db, err := openDatabase(path)
	if errors.Is(err, datadir.ErrReadOnly) {
		return openForReading(path)
	}
	return db, err
}

// ensureWritable sees to it that the database is open for writing. It is the committer's. An *Error
// of a storage_… code: it still can't be; any other error: the file could not be opened again, or
// is not the one that was read.
func (s *Store) ensureWritable() error {
	if !s.db.IsReadOnly() {
		return nil
	}
	f, err := os.OpenFile(s.db.Path(), os.O_RDWR, 0)
	if code, ok := datadir.StorageCode(err); ok {
		s.degrade(code, err)
		return datadir.StorageError(code)
	}
	if err != nil {
		return fmt.Errorf("open the database for writing: %w", err)
	}
	return errors.Join(f.Close(), s.reopen())
}

// reopen opens the database again, for writing, when all readers of the old map have ended.
func (s *Store) reopen() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	before, err := newestTransaction(s.db)
	if err != nil {
		return err
	}
	path := s.db.Path()
	if err := s.db.Close(); err != nil {
		return err
	}
	if s.db, err = openDatabase(path); err != nil {
		return err
	}
	if after, err := newestTransaction(s.db); err != nil || after != before {
		return errors.Join(err, fmt.Errorf("the database was changed by another process: its "+
			"newest transaction was %d and is %d", before, after))
	}
	s.logger.Info("the file system can be written again", "file", path)
	return errors.Join(s.relock(), datadir.MakeDir(s.output))
}

func newestTransaction(db *bolt.DB) (id uint64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		id = uint64(tx.ID())
		return nil
	})
	return id, err
}

// relock takes the lock file's lock where the directory's had to do.
func (s *Store) relock() error {
	if filepath.Base(s.lock.Name()) == datadir.LockName {
		return nil
	}
	lock, err := datadir.LockDir(s.lock.Name())
	if err != nil {
		return err
	}
	old := s.lock
	s.lock = lock
	return datadir.Unlock(old)
}

// checkDisk finds out whether the disk takes writes, so that a start on one that does not says so.
func (s *Store) checkDisk() {
	err := s.probe()
	if s.db.IsReadOnly() {
		err = datadir.ErrReadOnly
	}
	if code, ok := datadir.StorageCode(err); ok {
		s.degrade(code, err)
	} else if err != nil {
		s.logger.Warn("a file could not be written beside the database", "error", err)
	}
}

// degrade notes that the disk takes no writes.
func (s *Store) degrade(code messages.Code, cause error) {
	if s.degraded.Swap(code) != code {
		s.logger.Error("the store can't write; reads go on", "code", string(code), "error", cause)
	}
}
