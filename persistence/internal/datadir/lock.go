package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gusty/internal/private"
)

// LockName is the file whose lock means that a process has the data directory. It stays when the
// process ends; its text is the holder's pid.
const LockName = "lock"

var errLocked = errors.New("locked by another process")

// LockDir takes the data directory for this process, or gives *InUseError.
func LockDir(dir string) (*os.File, error) {
	if err := checkKinds(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, LockName)
	f, err := openLock(dir, path)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := awaitLock(f, path); err != nil {
		pid := readPID(path)
		if errors.Is(err, errLocked) {
			err = &InUseError{Dir: dir, PID: pid}
		}
		return nil, errors.Join(err, f.Close())
	}
	// The text helps a second process to name us; where it can't be written the lock still holds.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// How long a lock is waited for that a killed process has left behind, and how often it is tried.
const (
	leftLockWait  = 5 * time.Second
	leftLockPause = 10 * time.Millisecond
)

// awaitLock takes the lock. A process that is killed while it starts another one leaves the lock to
// that one until its exec, so what a dead process has left is waited for.
func awaitLock(f *os.File, path string) error {
	for begun := time.Now(); ; time.Sleep(leftLockPause) {
		err := lockFile(f)
		left := errors.Is(err, errLocked) && !isAlive(readPID(path))
		if !left || time.Since(begun) > leftLockWait {
			return err
		}
	}
}

// openLock opens the lock file. On a disk that takes no new file it is opened as it is, and where
// there is none, the directory stands for it.
func openLock(dir, path string) (*os.File, error) {
	f, err := private.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if _, full := StorageCode(err); !full {
		return f, err
	}
	if f, err = os.Open(path); errors.Is(err, os.ErrNotExist) {
		return os.Open(dir)
	}
	return f, err
}

func readPID(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Unlock releases the data directory. A process that is being forked at this moment has the file
// open, too: closing it alone would leave the lock to that one until its exec.
func Unlock(lock *os.File) error { return errors.Join(unlockFile(lock), lock.Close()) }

// InUseError says that another process holds the data directory.
type InUseError struct {
	Dir string
	PID int // 0 where it could not be told
}

// Error names the holder and what to do about it.
func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the data directory %s is in use by another process; stop that one, "+
			"or give another --data-dir", e.Dir)
	}
	return fmt.Sprintf(
		"the data directory %s is in use by process %d; stop that one, or give another --data-dir",
		e.Dir, e.PID)
}
