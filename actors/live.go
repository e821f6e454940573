package actors

import (
	"context"
	"sync"
)

// liveRuns is the register of executions under way. It outlives the actors, so that one that comes
// back knows which runs are still alive.
type liveRuns struct {
	mu   sync.Mutex
	runs map[string]*execution
	none chan struct{} // closed when the last is removed; nil: nobody waits
}

func newLiveRuns() *liveRuns { return &liveRuns{runs: map[string]*execution{}} }

func (l *liveRuns) add(x *execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[x.id] = x
}

func (l *liveRuns) remove(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, id)
	if len(l.runs) == 0 && l.none != nil {
		close(l.none)
		l.none = nil
	}
}

func (l *liveRuns) find(id string) *execution {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[id]
}

func (l *liveRuns) all() []*execution {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*execution, 0, len(l.runs))
	for _, x := range l.runs {
		all = append(all, x)
	}
	return all
}

// awaitNone waits until every execution has recorded its end and answered whoever waited for it.
func (l *liveRuns) awaitNone(ctx context.Context) error {
	l.mu.Lock()
	if len(l.runs) == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.none == nil {
		l.none = make(chan struct{})
	}
	none := l.none
	l.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
