package persistence

import (
	"slices"
	"sync"

	"gusty/messages"
)

// liveOutputs are the outputs that are being written, by run, for those who read along; and who
// waits for a run to begin one.
type liveOutputs struct {
	mu       sync.Mutex
	runs     map[runKey]*Output
	watchers map[runKey][]chan struct{}
}

func (l *liveOutputs) add(o *Output) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs = map[runKey]*Output{}
	}
	l.runs[o.run] = o
	l.wake(o.run)
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

// watch returns what tells that a run has begun its output or has its final record. forget must be
// called.
func (l *liveOutputs) watch(run runKey) (changed <-chan struct{}, forget func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers == nil {
		l.watchers = map[runKey][]chan struct{}{}
	}
	watcher := make(chan struct{}, 1)
	l.watchers[run] = append(l.watchers[run], watcher)
	return watcher, func() { l.forget(run, watcher) }
}

func (l *liveOutputs) forget(run runKey, watcher chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.DeleteFunc(l.watchers[run], func(w chan struct{}) bool { return w == watcher })
	if len(rest) == 0 {
		delete(l.watchers, run)
		return
	}
	l.watchers[run] = rest
}

func (l *liveOutputs) wake(run runKey) {
	for _, watcher := range l.watchers[run] {
		select {
		case watcher <- struct{}{}:
		default: // it is told already
		}
	}
}

// tellEnds wakes those who wait for a run of which the change is the final record.
func (l *liveOutputs) tellEnds(change *messages.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.watchers) == 0 {
		return
	}
	for _, row := range change.Rows {
		if run, ok := row.(messages.RunRow); ok && !run.Run.State.Active() {
			key, _ := parseRunKey(run.Run.ID)
			l.wake(key)
		}
	}
}
