package actors

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"gusty/messages"
)

const (
	backlogLimit = 1000 // changes; an outcome is some hundred bytes to some KB
	backlogPause = 5 * time.Second
)

// outcomes writes how runs ended: changes that nobody can be told the failure of. What the storage cannot take (a full disk, a read-only file
// system, a full queue) waits here, bounded and in order, until it can. It belongs to no actor, since none may lose it by a restart; an actor
// that comes back asks it which runs are settled already.
type outcomes struct {
	store Store
	log   *slog.Logger

	mu      sync.Mutex
	inStore map[uint64]messages.Change // with the store, by the number of their submission
	number  uint64
	waiting []messages.Change // what it could not take; while there is any, later ones queue behind
	dropped uint64
	timer   *time.Timer
	closed  bool
}

func newOutcomes(store Store, log *slog.Logger) *outcomes {
	return &outcomes{store: store, log: log.With("actor", nameExecutors), inStore: map[uint64]messages.Change{}}
}

// submit writes the change. settled, which may be nil, is called once: when the change is durable, waits for a storage that takes none, or is
// lost. It runs on the committer's goroutine, or on the caller's.
func (o *outcomes) submit(change messages.Change, settled func()) {
	if settled == nil {
		settled = func() {}
	}
	o.mu.Lock()
	if len(o.waiting) > 0 {
		o.keep(change)
		o.mu.Unlock()
		settled()
		return
	}
	number := o.note(change)
	o.mu.Unlock()
	o.store.Submit(change, func(c messages.Committed) {
		o.onCommitted(number, change, c.Err)
		settled()
	})
}

// note remembers a change that goes to the store.
func (o *outcomes) note(change messages.Change) (number uint64) {
	o.number++
	o.inStore[o.number] = change
	return o.number
}

func (o *outcomes) onCommitted(number uint64, change messages.Change, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.inStore, number)
	if err == nil {
		return
	}
	kept := storageMayTake(err) && !o.closed
	o.log.Error("a run's outcome could not be written", "error", err, "kept", kept)
	if kept {
		o.keep(change)
	}
}

// storageMayTake says whether the same change may succeed later. (Of any other refusal a repeat is refused too, and of an unknown outcome the
// process ends.)
func storageMayTake(err error) bool {
	switch e := messages.AsError(err); {
	case e == nil:
		return false
	default:
		return e.Code == messages.CodeBusy || e.Code == messages.CodeStorageFull || e.Code == messages.CodeStorageQuota ||
			e.Code == messages.CodeStorageReadOnly
	}
}

func (o *outcomes) keep(change messages.Change) {
	if len(o.waiting) >= backlogLimit {
		o.waiting = o.waiting[1:]
		o.dropped++
		o.log.Error("outcomes of runs were lost: the storage takes none, and as many as are kept in memory wait already",
			"lost", o.dropped, "kept", backlogLimit)
	}
	o.waiting = append(o.waiting, change)
	o.arm()
}

func (o *outcomes) arm() {
	if o.timer == nil && !o.closed {
		o.timer = time.AfterFunc(backlogPause, o.retry)
	}
}

// retry offers the first that waits; the next follows when that is written.
func (o *outcomes) retry() {
	o.mu.Lock()
	o.timer = nil
	if len(o.waiting) == 0 || o.closed {
		o.mu.Unlock()
		return
	}
	change := o.waiting[0]
	o.mu.Unlock()
	o.store.Submit(change, func(c messages.Committed) { o.onRetried(c.Err) })
}

func (o *outcomes) onRetried(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && storageMayTake(err) {
		o.arm()
		return
	}
	if err != nil {
		o.log.Error("a run's outcome could not be written", "error", err)
	}
	if len(o.waiting) > 0 {
		o.waiting = o.waiting[1:]
	}
	if len(o.waiting) > 0 && !o.closed {
		// Not from here: the committer must not be held up.
		o.timer = time.AfterFunc(0, o.retry)
	}
}

// pending gives the last rows of the runs that are on their way to the store: what the store shows of them may be old.
func (o *outcomes) pending() map[string]messages.Run {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := map[string]messages.Run{}
	take := func(change messages.Change) {
		for _, row := range change.Rows {
			if r, ok := row.(messages.RunRow); ok {
				if before, known := last[r.Run.ID]; !known || before.State.Active() {
					last[r.Run.ID] = r.Run
				}
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(o.inStore)) {
		take(o.inStore[number])
	}
	for _, change := range o.waiting {
		take(change)
	}
	return last
}

// strip takes the row of a run out of what waits: it is a retry that was recorded there, which is about to start, and what is written of it from
// now on must not be undone.
func (o *outcomes) strip(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, change := range o.waiting {
		o.waiting[i].Rows = slices.DeleteFunc(slices.Clone(change.Rows), func(row messages.Row) bool {
			r, ok := row.(messages.RunRow)
			return ok && r.Run.ID == id && r.Run.State.Active()
		})
	}
}

// close offers what waits a last time, without waiting for it: the store writes what it has taken before it closes.
func (o *outcomes) close() {
	o.mu.Lock()
	o.closed = true
	if o.timer != nil {
		o.timer.Stop()
	}
	waiting := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	for _, change := range waiting {
		o.submit(change, nil)
	}
}
