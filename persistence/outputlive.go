package persistence

import (
	"sync"
)

// liveOutputs are the outputs that are being written, by run, for those who read along.
type liveOutputs struct {
	mu   sync.Mutex
	runs map[runKey]*Output
}

func (l *liveOutputs) add(o *Output) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs = map[runKey]*Output{}
	}
	l.runs[o.run] = o
}

func (l *liveOutputs) remove(run runKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, run)
}

func (l *liveOutputs) get(run runKey) *Output {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[run]
}
