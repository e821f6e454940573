package persistence

import (
	"bytes"
	"encoding/binary"
	"time"

	"gusty/persistence/internal/format"
)

// search looks for the oldest runs of all names that may go.
type search struct {
	*writer
	done   *trimmed
	room   int           // how many more may be found
	over   int64         // bytes that the history has over its bound
	hard   int64         // and over the bound that does not wait for the shipper
	apart  int64         // bytes that what did not run has over its part
	oldest format.RunKey // what is older is too old
	newest format.RunKey // stays
	found  []endedRun
	unrun  []endedRun // found, too, and may be folded

	now time.Time
	age time.Duration // at which a run is too old
}

// trimOldest removes up to room of the oldest runs while the history is over its bounds. While what
// did not run takes more than its part of a full history, that goes first.
func (w *writer) trimOldest(now time.Time, room int, done *trimmed) error {
	bounds := w.trimmer.bounds
	s := search{
		writer: w, done: done, room: room, now: now, age: bounds.age,
		oldest: runsBefore(now.Add(-bounds.age)), newest: w.ledger.NewestRan,
		over:  int64(w.ledger.RunBytes - bounds.bytes),
		hard:  int64(w.ledger.RunBytes - bounds.mostBytes()),
		apart: int64(w.ledger.ApartBytes - bounds.apartBytes()),
	}
	if err := s.runApart(); err != nil {
		return err
	}
	if len(s.unrun) == 0 {
		if err := s.run(); err != nil {
			return err
		}
	}
	if err := w.removeRuns(s.found, done); err != nil {
		return err
	}
	return w.giveUp(s.unrun, done)
}

// runApart finds the oldest records of what did not run while they are what makes the history too
// large.
func (s *search) runApart() error {
	if s.over <= 0 || s.apart <= 0 {
		return nil
	}
	walk := s.walkStates(s.done.unrun, apartStates())
	for range maxLookedAt {
		id, state, ok := walk.Next()
		if !ok || s.over <= 0 || s.apart <= 0 {
			return nil
		}
		if s.full() {
			break
		}
		run, err := s.endedRun(id, state)
		if err != nil {
			return err
		}
		if run.kept.class() == classApart {
			s.Take(&run)
		} else if len(s.unrun) == 0 {
			s.done.unrun = id
		}
	}
	s.done.more = true
	return nil
}

// run goes through the runs that have ended, a bounded way; there is more to do where it did not
// come to the end of what is too old or too much.
func (s *search) run() error {
	walk := s.walkEnded(s.done.behind)
	for looked := 0; ; looked++ {
		id, state, ok := walk.Next()
		if ok && id == s.newest && s.tooOld(id) {
			id, state, ok = walk.Next() // behind it there is only what did not run
		}
		if !ok || !s.tooMuch(id) {
			if looked == 0 && s.done.behind == (format.RunKey{}) {
				s.rest(id, ok)
			}
			return nil
		}
		if s.full() || looked == maxLookedAt {
			s.done.more = true
			return nil
		}
		if err := s.look(id, state); err != nil {
			return err
		}
	}
}

func (s *search) full() bool { return len(s.found)+len(s.unrun) >= s.room }

// rest notes how long nothing is to be done, where the oldest run that has ended, if there is one,
// may stay.
func (s *search) rest(oldest format.RunKey, ok bool) {
	made := s.now
	if ok {
		made = oldest.MadeAt()
	}
	s.done.rest = made.Add(s.age)
}

func (s *search) tooMuch(id format.RunKey) bool {
	return id != s.newest && s.over > 0 || s.tooOld(id)
}

func (s *search) tooOld(id format.RunKey) bool { return bytes.Compare(id[:], s.oldest[:]) < 0 }

// look takes a run, unless its output waits to be shipped and there is still room for that.
func (s *search) look(id format.RunKey, state byte) error {
	run, err := s.endedRun(id, state)
	if err != nil {
		return err
	}
	if s.hard <= 0 && s.waits(&run.kept) {
		if len(s.found)+len(s.unrun) == 0 {
			s.done.behind = id
		}
		return nil
	}
	s.Take(&run)
	return nil
}

// Take lets a run go. What did not run is folded where it can be, unless it is too old.
func (s *search) Take(run *endedRun) {
	freed := s.taken(run.id, &run.kept)
	s.over, s.hard = s.over-int64(freed.all), s.hard-int64(freed.all)
	s.apart -= int64(freed.apart)
	if run.kept.class() == classApart && !s.tooOld(run.id) {
		s.unrun = append(s.unrun, *run)
		return
	}
	s.found = append(s.found, *run)
}

// runsBefore returns an id that is above those of all runs made before t and not above any other: a
// UUIDv7 begins with the milliseconds since 1970 in 6 bytes (RFC 9562).
func runsBefore(t time.Time) (id format.RunKey) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:], ms[2:])
	return id
}
