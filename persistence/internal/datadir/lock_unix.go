//go:build !windows

package datadir

import (
	"errors"
	"os"
	"syscall"
)

func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// isAlive reports whether a process has the id; 0 stands for one that is not known, which may.
func isAlive(pid int) bool {
	return pid == 0 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
