//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"
)

// Replace gives the file from the name to, whatever had it.
func Replace(from, to string) error { return os.Rename(from, to) }

// PlaceNew gives from the name to, unless that name is taken. A hard link is what POSIX offers for
// that; rename would replace.
func PlaceNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// SyncDir makes the names in dir durable: those of files made, renamed or removed there before the call.
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
