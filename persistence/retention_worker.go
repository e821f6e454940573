package persistence

import (
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// How much of the history one transaction trims at most, so that no commit grows by it: some runs,
// and two for each one that it adds, so that trimming keeps up with any load; or more where it does
// nothing else.
const (
	trimAtLeast  = 48
	trimPerRun   = 2
	trimAlone    = 256
	maxLookedAt  = 1024 // runs, in each list
	maxListsSeen = 256
)

// trimEvery is how often the history is looked at when nothing is committed: runs grow old by
// themselves.
const trimEvery = time.Minute

// trimmer is what the committer remembers of the history between two transactions. Nothing of it
// needs to be durable: it is found again by what the ledger counts.
type trimmer struct {
	bounds runBounds
	lists  map[format.NameKey]struct{} // that may have more runs than they keep
	// recounted are the lists that are to be written with what was counted at the start.
	recounted recountedLists
	unrun     format.RunKey // as behind: of the runs that may not have run, all up to here did
	// the runs up to here wait to be shipped; the next look begins behind them,
	behind format.RunKey
	since  time.Time // but once in trimEvery at the front
	rest   time.Time // until then the bounds hold, unless a run or a bound is changed
	// a row of the history is damaged: nothing is trimmed until the file has been verified
	faulty bool
	kick   chan struct{} // capacity 1: there is more to trim than one transaction takes
}

// note remembers a list. To note one that turns out to be within its bound costs one look.
func (t *trimmer) note(job format.NameKey) {
	if t == nil {
		return // the store is being made
	}
	t.lists[job] = struct{}{}
}

// stir ends the rest: a run is changed.
func (t *trimmer) stir() {
	if t != nil {
		t.rest = time.Time{}
	}
}

// trimmed is what trimming did in one transaction, to be applied when that is durable.
type trimmed struct {
	runs    []format.RunKey  // whose output files go
	removed int              // rows of runs
	settled []format.NameKey // lists that have nothing to trim for now
	// recounted are the lists whose rows say from now on what ran.
	recounted []format.NameKey
	behind    format.RunKey
	unrun     format.RunKey
	since     time.Time
	rest      time.Time
	more      bool
}

// changed reports whether there is something to be committed.
func (t *trimmed) changed() bool { return t.removed+len(t.recounted) > 0 }

// trim removes up to room of the runs that are over a bound: of lists over their keep_runs, and the
// oldest of all while there are too many bytes or they are too old. Records of what did not run are
// folded into later ones where that is possible.
func (w *writer) trim(now time.Time, room int) (done trimmed, err error) {
	done.behind, done.unrun = w.trimmer.behind, w.trimmer.unrun
	done.since, done.rest = w.trimmer.since, w.trimmer.rest
	if now.Before(done.rest) && len(w.trimmer.lists) == 0 {
		return done, nil
	}
	done.rest = time.Time{}
	if now.Sub(done.since).Abs() >= trimEvery {
		done.behind, done.unrun, done.since = format.RunKey{}, format.RunKey{}, now
	}
	if err := w.trimLists(room, &done); err != nil {
		return done, err
	}
	if err := w.trimOldest(now, room-done.removed, &done); err != nil {
		return done, err
	}
	done.more = done.more || len(done.settled) < len(w.trimmer.lists)
	w.ledger.RunsCounted = len(done.recounted) == len(w.trimmer.recounted)
	return done, nil
}

// trimmedNow makes what a durable transaction trimmed true outside of the database.
func (s *Store) trimmedNow(done *trimmed) {
	s.removeTrimmed(done.runs)
	for _, job := range done.settled {
		delete(s.trimmer.lists, job)
	}
	for _, job := range done.recounted {
		delete(s.trimmer.recounted, job)
	}
	s.trimmer.behind, s.trimmer.unrun = done.behind, done.unrun
	s.trimmer.since, s.trimmer.rest = done.since, done.rest
	if done.more {
		s.trimmer.wake()
	}
}

func (t *trimmer) wake() {
	select {
	case t.kick <- struct{}{}:
	default: // it is awake
	}
}

// runTrimmer lets the committer trim when it would not by itself: every transaction trims, so that
// one without changes is all it takes.
func (s *Store) runTrimmer() {
	defer close(s.trimmerDone)
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case <-s.trimmer.kick:
		case <-tick.C:
		}
		made := make(chan struct{})
		s.Submit(messages.Change{}, func(messages.Committed) { close(made) })
		<-made
	}
}
