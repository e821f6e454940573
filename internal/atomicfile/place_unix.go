//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Replace returns the file from the name to, whatever had it.
func Replace(from, to string) error { return os.Rename(from, to) }

// PlaceNew returns from the name to, unless that name is taken. A hard link is what POSIX offers
// for that; rename would replace. A file system without links, as USB sticks have, is served
// otherwise.
func PlaceNew(from, to string) error {
	err := os.Link(from, to)
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EOPNOTSUPP),
		errors.Is(err, syscall.ENOSYS):
		return placeReserved(from, to)
	case err != nil:
		return err
	}
	return os.Remove(from)
}

// placeReserved takes the name by an empty file, and replaces that.
func placeReserved(from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(from, to)); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// SyncDir makes the names in dir durable: those of files made, renamed or removed there before the
// call.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
