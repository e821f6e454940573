// Package atomicfile writes whole files so that a reader, a crash or a power cut sees either the
// old content or the new one, never a part.
//
// The content goes to a temporary file in the same directory, is synced, and takes its name by a
// rename, which is atomic within a file system; then the directory is synced, since a rename is
// durable only with the directory that holds the name. The temporary file is made with mode 0600
// (on Windows with the access list of internal/private, which stays) and gets the wanted mode
// before it gets its name, so a secret is at no moment readable by others.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/internal/private"
)

// Write makes path hold data with exactly the permissions perm, whatever the umask is, and
// replaces the regular file that was there. A symbolic link stays, and what it leads to is
// replaced; anything but a regular file is refused (see ResolveRegular). After an error the old
// content is in place, but for an error of the last step, the sync of the directory: then the
// new content is in place and may not survive a power cut.
func Write(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, Replace)
}

// WriteNew is Write for a path that must not exist yet: where it does, nothing changes and the
// error is fs.ErrExist. Of several callers at once exactly one succeeds.
func WriteNew(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, PlaceNew)
}

// Remove removes the regular file that path leads to; a symbolic link to it stays. The error wraps
// fs.ErrNotExist where nothing is there.
func Remove(path string) error {
	place, err := ResolveRegular(path)
	if err != nil {
		return err
	}
	return os.Remove(place.Path)
}

// write prepares a temporary file and lets name give it its name.
func write(path string, data []byte, perm fs.FileMode, name func(from, to string) error) error {
	place, err := ResolveRegular(path)
	if err != nil {
		return err
	}
	temporary, err := prepare(place.Path, data, perm)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := name(temporary, place.Path); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, discard(temporary)))
	}
	return SyncDir(filepath.Dir(place.Path))
}

// prepare makes a synced temporary file beside path and gives its name.
func prepare(path string, data []byte, perm fs.FileMode) (string, error) {
	dir, base := filepath.Split(path)
	f, err := private.CreateTemp(filepath.Clean(dir+"."), "."+base+".*.tmp")
	if err != nil {
		return "", err
	}
	if err := errors.Join(fill(f, data, perm), f.Close()); err != nil {
		return "", errors.Join(err, discard(f.Name()))
	}
	return f.Name(), nil
}

func fill(f *os.File, data []byte, perm fs.FileMode) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil {
		return err
	}
	return f.Sync()
}

// discard removes a temporary file that did not get its name.
func discard(temporary string) error {
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
