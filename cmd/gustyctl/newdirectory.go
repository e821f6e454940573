package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/outfile"
	"gusty/internal/private"
)

// newDirectory is a directory that a command fills. It is there with all that it is to hold, or as
// it was before.
type newDirectory struct {
	path  string
	made  bool
	files []string
}

// newDirectory makes a directory, closed to others since scripts may hold secrets, or takes one
// that is empty. What is missing above it is made, too.
func (a *app) newDirectory(name string) (*newDirectory, error) {
	if name == outfile.StandardOutput {
		return nil, exit.Usagef("a directory cannot go to standard output; name a new one")
	}
	given, err := a.given()
	if err != nil {
		return nil, err
	}
	path := filepath.Clean(name)
	isOwn := func(dir dataDir) bool { return dir.uses(path) || isSameDir(path, string(dir)) }
	if slices.ContainsFunc(candidates(given.DataDir, a.getenv), isOwn) {
		return nil, exit.Usagef("%s is a directory of the agent; name another", name)
	}
	d := &newDirectory{path: path}
	_, err = os.Lstat(path)
	d.made = errors.Is(err, fs.ErrNotExist)
	if err := private.MakeDir(path); err != nil {
		return nil, exit.Usagef("cannot make the directory: %w", err)
	}
	return d, d.checkEmpty(name)
}

func (d *newDirectory) checkEmpty(name string) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return exit.Usagef("cannot make the directory: %w", err)
	}
	if len(entries) > 0 {
		return exit.Usagef("%s is not empty; name a new directory, so that nothing is overwritten",
			name)
	}
	return nil
}

// write writes a file that must not be there yet.
func (d *newDirectory) write(name string, data []byte) error {
	path := filepath.Join(d.path, name)
	f, err := private.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	d.files = append(d.files, path)
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// remove takes away what was written.
func (d *newDirectory) remove() error {
	var err error
	for _, path := range d.files {
		err = errors.Join(err, os.Remove(path))
	}
	if d.made {
		err = errors.Join(err, os.Remove(d.path))
	}
	return err
}
