package persistence

import (
	"slices"
	"sync"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// liveOutputs are the outputs that are being written, by run, for those who read along; and who
// waits for a run to begin one.
type liveOutputs struct {
	mu       sync.Mutex
	runs     map[format.RunKey]*Output
	watchers map[format.RunKey][]chan struct{}
}

func (l *liveOutputs) Add(o *Output) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs = map[format.RunKey]*Output{}
	}
	l.runs[o.run] = o
	l.wake(o.run)
}

func (l *liveOutputs) Remove(run format.RunKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, run)
}

func (l *liveOutputs) get(run format.RunKey) *Output {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[run]
}

// watch returns what tells that a run has begun its output or has its final record. forget must be
// called.
func (l *liveOutputs) watch(run format.RunKey) (changed <-chan struct{}, forget func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers == nil {
		l.watchers = map[format.RunKey][]chan struct{}{}
	}
	watcher := make(chan struct{}, 1)
	l.watchers[run] = append(l.watchers[run], watcher)
	return watcher, func() { l.forget(run, watcher) }
}

func (l *liveOutputs) forget(run format.RunKey, watcher chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.DeleteFunc(l.watchers[run], func(w chan struct{}) bool { return w == watcher })
	if len(rest) == 0 {
		delete(l.watchers, run)
		return
	}
	l.watchers[run] = rest
}

func (l *liveOutputs) wake(run format.RunKey) {
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
			key, _ := format.ParseRunKey(run.Run.ID)
			l.wake(key)
		}
	}
}
