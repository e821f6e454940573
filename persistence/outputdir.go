package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/persistence/internal/datadir"
)

// dirTries bounds how often what somebody removes again and again is made anew.
const dirTries = 10

// withOutputDir calls do, which makes or lists something in the directory of output files. Where
// somebody has removed that, it is made again, and do is called once more.
func (s *Store) withOutputDir(do func() error) error {
	var err error
	for range dirTries {
		if err = do(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.remakeOutputDir(); err != nil {
			return err
		}
	}
	return err
}

// remakeOutputDir makes the directory, and nothing above it: without the data directory there is no
// place for it.
func (s *Store) remakeOutputDir() error {
	err := os.Mkdir(s.output, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the directory of output files again: %w", err)
	}
	s.logger.Error("the directory of output files was removed and is made again; what ended runs "+
		"had in it is lost",
		"directory", s.output)
	return datadir.SyncDir(filepath.Dir(s.output))
}
