package persistence

import (
	"sync"

	"gusty/persistence/internal/format"
)

// trimming puts the removal of trimmed output off while a backup links the files of the runs that
// it has.
type trimming struct {
	mu   sync.Mutex
	held bool
	runs []format.RunKey // whose output goes when the hold ends
}

func (t *trimming) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = true
}

// keep reports whether the removal waits.
func (t *trimming) keep(runs []format.RunKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		t.runs = append(t.runs, runs...)
	}
	return t.held
}

func (t *trimming) release() (runs []format.RunKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	runs, t.runs, t.held = t.runs, nil, false
	return runs
}

// removeTrimmed removes the output of runs that are gone, now or when a backup has its links.
func (s *Store) removeTrimmed(runs []format.RunKey) {
	if len(runs) == 0 || s.trimming.keep(runs) {
		return
	}
	for _, run := range runs {
		s.removeOutput(run)
	}
}

func (s *Store) releaseTrimmed() {
	for _, run := range s.trimming.release() {
		s.removeOutput(run)
	}
}
