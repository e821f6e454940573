package tlscert

import (
	"context"
	"os"
	"time"
)

// renewInterval is how often Watcher lets its owner renew. By the wall clock: a machine that slept
// makes up for it.
const renewInterval = 24 * time.Hour

// Watcher reloads a Store when its files change.
type Watcher struct {
	Store    *Store
	Interval time.Duration // between two looks at the files
	// called once a day; what it writes is noticed as any other change. nil: nothing to renew
	Renew func(now time.Time) error
	// called at each look, to put back what was removed; may be nil
	PutBack func()
	// called after each reload, with nil or why the old pair stays, and with each error of Renew;
	// may be nil
	Reloaded func(err error)
}

// WatchFiles watches until ctx ends. A look costs two stat calls; a file counts as changed when its
// time, its size or its identity does, so that a rename over it is seen as well as a write into it.
// A reload that fails, as between the two files of a pair that is being replaced, is tried again at
// each look, and reported once for each state of the files.
func (w Watcher) WatchFiles(ctx context.Context) {
	ticker := time.NewTicker(w.Interval)
	defer ticker.Stop()
	var reported *stamp
	renewed := time.Now().Round(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := time.Now().Round(0); now.Sub(renewed).Abs() >= renewInterval {
			renewed = now
			w.renew(now)
		}
		reported = w.look(reported)
	}
}

func (w Watcher) renew(now time.Time) {
	if w.Renew == nil {
		return
	}
	if err := w.Renew(now); err != nil {
		w.report(err)
	}
}

// look reloads where the files have changed. It takes and returns the state of the files whose
// failure was reported last, nil where none was since the last success.
func (w Watcher) look(reported *stamp) *stamp {
	if w.PutBack != nil {
		w.PutBack()
	}
	now, changed := w.Store.changed()
	if !changed {
		return nil
	}
	err := w.Store.Reload()
	if err == nil {
		w.report(nil)
		return nil
	}
	if reported == nil || !now.same(*reported) {
		w.report(err)
	}
	return &now
}

func (w Watcher) report(err error) {
	if w.Reloaded != nil {
		w.Reloaded(err)
	}
}

// stamp tells states of two files apart without reading them.
type stamp [2]os.FileInfo

// stampOf looks at the files; one that is not there has no entry.
func stampOf(paths ...string) (s stamp) {
	for i, path := range paths {
		if info, err := os.Stat(path); err == nil {
			s[i] = info
		}
	}
	return s
}

func (s stamp) same(other stamp) bool {
	return sameFile(s[0], other[0]) && sameFile(s[1], other[1])
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
