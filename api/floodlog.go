package api

import (
	"log/slog"
	"sync"
	"time"
)

// floodLog lets one line of a kind through a second, and tells by a line how many it kept back.
type floodLog struct {
	log  *slog.Logger
	text string // of the line that counts

	mu   sync.Mutex
	next time.Time // when a line may pass again
	kept int
}

// pass reports whether a line may be written now.
func (f *floodLog) pass(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.next) && f.kept == 0 {
		f.next = now.Add(time.Second)
		return true
	}
	if f.kept++; f.kept == 1 {
		time.AfterFunc(time.Second, f.tell)
	}
	return false
}

// tell writes how many lines were kept back since the last one.
func (f *floodLog) tell() {
	f.mu.Lock()
	kept := f.kept
	f.kept = 0
	f.mu.Unlock()
	f.log.Warn(f.text, slog.Int("count", kept))
}
