package persistence

import (
	"os"
	"path/filepath"

	"gusty/persistence/internal/format"
)

// sweepOutput removes output files whose run is gone, which a kill between a commit and the removal
// leaves behind, and copies of exports that could not be removed while they were open.
func (s *Store) sweepOutput() {
	entries, err := os.ReadDir(s.output)
	if err != nil {
		s.logger.Warn("the output files could not be listed", "error", err)
		return
	}
	_, err = s.view(func(r *reader) error {
		for _, e := range entries {
			if isSnapshot(e.Name()) {
				_ = os.Remove(filepath.Join(s.output, e.Name())) // sealed, and in nobody's way
				continue
			}
			run, ok := format.ParseRunKey(trimSegment(e.Name()))
			if ok && !r.has(format.BucketRuns, run[:]) {
				s.removeOutput(run)
			}
		}
		return nil
	})
	if err != nil {
		s.logger.Warn("output files that belong to no run could not be removed", "error", err)
	}
}

// trimSegment returns the run's id in a segment's file name.
func trimSegment(name string) string {
	return name[:len(name)-len(filepath.Ext(name))]
}
