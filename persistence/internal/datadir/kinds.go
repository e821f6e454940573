package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/internal/atomicfile"
)

// checkKinds refuses a data directory in which something else than a regular file has a name of the
// store's. To open a named pipe would wait for ever, and what is written to a device is lost. Of
// what the store begins anew even a link is refused: it would lead a key or a row elsewhere.
func checkKinds(dir string) error {
	for _, name := range []string{DatabaseName, KeyName, GenerationName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && !info.Mode().IsRegular() {
			return wrongKind(filepath.Join(dir, name), info.Mode())
		}
	}
	for _, name := range []string{
		LockName, DatabaseName + Unfinished, DatabaseName + Compacting, KeyName + Unfinished,
	} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err == nil && !info.Mode().IsRegular() {
			return wrongKind(filepath.Join(dir, name), info.Mode())
		}
	}
	return nil
}

func wrongKind(path string, mode fs.FileMode) error {
	return fmt.Errorf("%s is %s, and a store uses a regular file there; nothing was changed: "+
		"move it away, and start again", path, atomicfile.Kind(mode))
}

// RemoveRegular removes a file that an earlier attempt may have left.
func RemoveRegular(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return wrongKind(path, info.Mode())
	}
	return os.Remove(path)
}
