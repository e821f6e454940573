package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/internal/atomicfile"
	"gusty/internal/private"
)

const (
	// headBytes is how much of a file is shown to Spare.
	headBytes = 64
	// newPerm is the mode of a file that was not there.
	newPerm fs.FileMode = 0o600
)

// begin makes the temporary file beside the target, closed to all others.
func (t *Target) begin() error {
	if t.options.New && t.place.Info != nil {
		return fmt.Errorf("%s: %w; name a new file", t.name, fs.ErrExist)
	}
	head, err := t.checkWritable()
	if err != nil {
		return err
	}
	if err := t.spare(Found{Path: t.place.Path, Info: t.place.Info, Head: head}); err != nil {
		return err
	}
	// The pattern is short: a name may be as long as the file system takes.
	dir := filepath.Dir(t.place.Path)
	if t.file, err = private.CreateTemp(dir, ".gusty-*.part"); err != nil {
		return newWriteError("the directory "+dir, err)
	}
	t.temporary = t.file.Name()
	return nil
}

// checkWritable refuses to replace a file that may not be written: a rename would not ask.
func (t *Target) checkWritable() (head []byte, err error) {
	if t.place.Info == nil {
		return nil, nil
	}
	f, err := os.OpenFile(t.place.Path, os.O_WRONLY, 0)
	if err != nil {
		return nil, t.explain(err)
	}
	if err := f.Close(); err != nil {
		return nil, t.explain(err)
	}
	return readHead(t.place.Path), nil
}

// readHead returns the beginning of a file, or nothing where it cannot be read.
func readHead(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
	head := make([]byte, headBytes)
	n, _ := io.ReadFull(f, head) // a file may be shorter
	return head[:n]
}

func (t *Target) spare(found Found) error {
	if t.options.Spare == nil {
		return nil
	}
	return t.options.Spare(found)
}

// finish returns the temporary file the owner and the mode that it is to have, and its name.
func (t *Target) finish() error {
	if t.file == nil {
		var err error
		if t.file, err = os.OpenFile(t.temporary, os.O_RDWR, 0); err != nil {
			return err
		}
	}
	err := errors.Join(t.dress(), t.file.Sync(), t.file.Close())
	t.file = nil
	if err != nil {
		return err
	}
	name := atomicfile.Replace
	if t.options.New {
		name = atomicfile.PlaceNew
	}
	err = name(t.temporary, t.place.Path)
	t.placed = err == nil
	return err
}

// dress makes the file as open as the one that it replaces, and gives it to the same owner as far
// as the system lets us.
func (t *Target) dress() error {
	perm := newPerm
	if t.place.Info != nil && !t.options.Secret {
		perm = t.place.Info.Mode().Perm()
	}
	if t.place.Info != nil && !t.give() {
		perm &^= 0o077 // they would be another group's
	}
	err := t.file.Chmod(perm)
	if errors.Is(err, fs.ErrPermission) {
		return nil // the file is ours, so that this is a file system that knows no modes
	}
	return err
}
