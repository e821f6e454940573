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
	backlogPause = 5 * time.Second
	offeredAtOne = 64 // outcomes that waited go to the store together, once it has taken one
	lossesToldIn = time.Minute
)

// outcomes writes how runs ended: changes that nobody can be told the failure of. What the storage
// cannot take (a full disk, a read-only file system, a full queue) waits here, bounded, until it
// can. It belongs to no actor, since none may lose it by a restart; an actor that comes back asks
// it which runs are settled already.
type outcomes struct {
	store Store
	log   *slog.Logger

	mu      sync.Mutex
	inStore map[uint64]*outcome // with the store, by the number of their submission
	number  uint64
	waiting backlog // what it could not take; while there is any, later ones queue behind
	offered int     // of those, how many are with the store
	refused bool    // of those, one was
	told    time.Time
	timer   *time.Timer
	closed  bool
}

// outcome is how a run ended, with what becomes durable together with it.
type outcome struct {
	change messages.Change
	of     *task // the run's; nil: the store has its row, or it is known that it has not
	absent bool  // the store has no row of the run
	retry  *task // the next attempt, whose row is in the change; nil: there is none
	bytes  int   // that it takes here
	lean   bool  // output was taken out of it
	with   bool  // it waits, and is with the store
	done   bool  // it waits no longer
}

func newOutcomes(store Store, log *slog.Logger) *outcomes {
	return &outcomes{
		store:   store,
		log:     log.With("actor", nameExecutors),
		inStore: map[uint64]*outcome{},
	}
}

// submit writes the outcome. settled, which may be nil, is called once: when the change is durable,
// waits for a storage that takes none, or is lost. It runs on the committer's goroutine, or on the
// caller's.
func (o *outcomes) submit(out *outcome, settled func()) {
	if settled == nil {
		settled = func() {}
	}
	o.mu.Lock()
	o.waiting.stripEnded(out)
	if o.waiting.any() {
		o.keep(out)
		o.mu.Unlock()
		settled()
		return
	}
	number, change, retry := o.note(out), out.change, out.retry
	o.mu.Unlock()
	o.write(change, retry, func(err error) {
		o.onCommitted(number, out, err)
		settled()
	})
}

// note remembers an outcome that goes to the store.
func (o *outcomes) note(out *outcome) (number uint64) {
	o.number++
	o.inStore[o.number] = out
	o.waiting.owes(out)
	return o.number
}

// write hands a change to the store, with the row of a run's next attempt in it.
func (o *outcomes) write(change messages.Change, retry *task, done func(error)) {
	if retry == nil {
		o.store.Submit(change, func(c messages.Committed) { done(c.Err) })
		return
	}
	retry.row.leaves()
	o.store.Submit(change, func(c messages.Committed) {
		retry.row.arrives(c.Err)
		done(c.Err)
	})
}

func (o *outcomes) onCommitted(number uint64, out *outcome, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.inStore, number)
	switch {
	case err == nil:
		o.waiting.owesNot(out)
	case !storageMayTake(err) || o.closed:
		o.waiting.owesNot(out)
		o.log.Error("a run's outcome could not be written", "error", err)
	default:
		if !o.waiting.any() {
			o.log.Error("outcomes of runs wait in memory until the storage takes them", "error",
				err)
		}
		o.keep(out)
	}
}

// storageMayTake reports whether the same change may succeed later. (Of any other refusal a repeat
// is refused too, and of an unknown outcome the process ends.)
func storageMayTake(err error) bool {
	switch e := messages.AsError(err); {
	case e == nil:
		return false
	default:
		return e.Code == messages.CodeBusy || e.Code == messages.CodeStorageFull ||
			e.Code == messages.CodeStorageQuota ||
			e.Code == messages.CodeStorageReadOnly
	}
}

func (o *outcomes) keep(out *outcome) {
	if lost := o.waiting.add(out); lost > 0 && time.Since(o.told) >= lossesToldIn {
		o.told = time.Now()
		o.log.Error("outcomes of runs are only counted, by job: the storage takes none, and as "+
			"many as are kept in memory wait already",
			"counted", o.waiting.lost.total, "waiting", len(o.waiting.items), "told_every",
			lossesToldIn.String())
	}
	o.arm(backlogPause)
}

func (o *outcomes) arm(pause time.Duration) {
	if o.timer == nil && o.offered == 0 && !o.closed {
		o.timer = time.AfterFunc(pause, func() { o.offer(1) })
	}
}

// offer hands the store the first of what waits. When it has taken that, more follow.
func (o *outcomes) offer(most int) {
	o.mu.Lock()
	o.timer, o.refused = nil, false
	if o.closed {
		o.mu.Unlock()
		return
	}
	if !o.waiting.any() {
		o.waiting.tellLost()
	}
	first := slices.Clone(o.waiting.items[:min(most, len(o.waiting.items))])
	o.offered = len(first)
	writes := make([]func(), 0, len(first))
	for _, out := range first {
		out.with = true
		change, retry := out.change, out.retry
		writes = append(writes, func() {
			o.write(change, retry, func(err error) { o.onOffered(out, err) })
		})
	}
	o.mu.Unlock()
	for _, write := range writes {
		write()
	}
}

func (o *outcomes) onOffered(out *outcome, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out.with = false
	if again := err != nil && storageMayTake(err) && !o.closed; again {
		o.refused = true
	} else {
		out.done = true
		if err != nil {
			o.log.Error("a run's outcome could not be written", "error", err)
		}
	}
	if o.offered--; o.offered == 0 && !o.closed {
		o.goOn()
	}
}

// goOn is called when all that was offered came back.
func (o *outcomes) goOn() {
	o.waiting.removeDone()
	if o.refused {
		o.arm(backlogPause)
		return
	}
	o.waiting.tellLost()
	if !o.waiting.any() {
		o.log.Info("the outcomes of runs that waited are written")
		return
	}
	// Not from here: the committer must not be held up.
	o.timer = time.AfterFunc(0, func() { o.offer(offeredAtOne) })
}

// pending returns the last rows of the runs that are on their way to the store: what the store
// shows of them may be old.
func (o *outcomes) pending() map[string]messages.Run {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := map[string]messages.Run{}
	take := func(out *outcome) {
		for _, row := range out.change.Rows {
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
	for _, out := range o.waiting.items {
		take(out)
	}
	return last
}

// strip takes the row of a run out of what waits: it is a retry that was recorded there, which is
// about to start, and what is written of it from now on must not be undone.
func (o *outcomes) strip(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting.strip(id)
}

// close offers what waits a last time, without waiting for it: the store writes what it has taken
// before it closes.
func (o *outcomes) close() {
	o.mu.Lock()
	o.closed = true
	if o.timer != nil {
		o.timer.Stop()
	}
	o.waiting.tellLost()
	waiting := slices.DeleteFunc(o.waiting.items, func(out *outcome) bool { return out.with })
	o.waiting = backlog{}
	o.mu.Unlock()
	left, lost := len(waiting), 0 // the store calls back one by one
	for _, out := range waiting {
		o.store.Submit(out.change, func(c messages.Committed) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if c.Err != nil {
				lost++
			}
			if left--; left == 0 && lost > 0 {
				o.log.Error("outcomes of runs are lost: the agent ends, and the storage takes none",
					"lost", lost, "error", c.Err)
			}
		})
	}
}
