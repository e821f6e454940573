package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/internal/private"
)

// MakeDir makes a directory that only the agent's user can enter, durably.
func MakeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := private.MakeDir(dir); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	return SyncDir(filepath.Dir(filepath.Clean(dir)))
}

func Exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// WriteSynced writes a file durably; its name is durable once the directory is synced.
// WriteSynced makes a file anew, which is never what a link or anything else of the name leads to.
func WriteSynced(path string, data []byte) error {
	if err := RemoveRegular(path); err != nil {
		return err
	}
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// ForgetStarts removes the file: the database is another than the one that the marks were made
// beside.
func ForgetStarts(dir string) error {
	err := os.Remove(filepath.Join(dir, StartsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the file of starts: %w", err)
	}
	return nil
}
