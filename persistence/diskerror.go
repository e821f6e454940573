package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// failedCommit returns what the failure of a commit means. No space, no quota and a read-only file
// system are known to have failed, as long as the file still shows the transaction before: an
// *Error. Of anything else the outcome is unknown.
func (s *Store) failedCommit(id uint64, cause error) error {
	code, ok := datadir.StorageCode(cause)
	if !ok && !hasErrno(cause) {
		code, ok = datadir.StorageCode(s.probe())
	}
	if !ok || s.shows(id) {
		return fmt.Errorf("commit: %w", cause)
	}
	s.degrade(code, cause)
	return datadir.StorageError(code)
}

// hasErrno reports whether the error tells what the system said. bbolt drops that only where it
// grows the file, before it writes anything.
func hasErrno(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}

// probe writes a small file beside the output, and returns what the system says to that.
func (s *Store) probe() error {
	path := filepath.Join(s.output, "probe")
	err := s.withOutputDir(func() error { return datadir.WriteSynced(path, make([]byte, 4096)) })
	if removeErr := os.Remove(path); err == nil {
		err = removeErr
	}
	return err
}

// shows reports whether the file's newest transaction is already that of the commit which failed,
// or can't be told.
func (s *Store) shows(id uint64) bool {
	seen, err := s.view(func(*reader) error { return nil })
	return err != nil || seen >= id
}

// recovered notes that a commit has succeeded.
func (s *Store) recovered() {
	if code, _ := s.degraded.Load().(messages.Code); code != "" {
		s.degraded.Store(messages.Code(""))
		s.logger.Info("the store can write again", "was", string(code))
	}
}
