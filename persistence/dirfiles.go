package persistence

import (
	"errors"
	"fmt"
	"gusty/internal/private"
	"io/fs"
	"os"
	"path/filepath"
)

// makeDir makes a directory that only the agent's user can enter, durably.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := private.MakeDir(dir); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// writeSynced writes a file durably; its name is durable once the directory is synced.
// writeSynced makes a file anew, which is never what a link or anything else of the name leads to.
func writeSynced(path string, data []byte) error {
	if err := removeRegular(path); err != nil {
		return err
	}
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// forgetStarts removes the file: the database is another than the one that the marks were made
// beside.
func forgetStarts(dir string) error {
	err := os.Remove(filepath.Join(dir, startsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the file of starts: %w", err)
	}
	return nil
}
