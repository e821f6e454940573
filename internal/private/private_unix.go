//go:build !windows

package private

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// MakeDir makes dir and what is missing above it, each open to its owner alone. What is there
// already stays as it is.
func MakeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// OpenFile opens a file as os.OpenFile does; one that it makes is open to nobody but those whom
// perm names.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, perm)
}

// CreateTemp makes a new file in dir as os.CreateTemp does, open to its owner alone.
func CreateTemp(dir, pattern string) (*os.File, error) { return os.CreateTemp(dir, pattern) }

// Check returns an error that names the command which mends it where others than the owner can read
// or change an open file.
func Check(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf(
			"%s can be read or changed by others (mode %04o); run: chmod 600 %s",
			f.Name(),
			info.Mode().Perm(),
			f.Name(),
		)
	}
	return nil
}

// SecureDir looks at nothing here: the modes of a data directory are the operator's.
func SecureDir(string, *slog.Logger) error { return nil }

// CheckOwner accepts every owner here: who may be in a directory's place is told by the modes of
// the directories above.
func CheckOwner(string) error { return nil }
