package persistence

import (
	"errors"
	"fmt"

	"gusty/messages"
)

// write runs f in a write transaction and commits it. It is the committer's, and Open's before
// there is one. The error is f's, with nothing done; an *Error of a storage_… code, with nothing
// done; or any other, with the outcome unknown.
func (s *Store) write(f func(*writer) error) (id uint64, err error) {
	if err := s.ensureWritable(); err != nil {
		return 0, err
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return 0, fmt.Errorf("begin a transaction: %w", err)
	}
	w := &writer{
		reader:  *newReader(tx, s.ring),
		ledger:  s.ledger,
		hasher:  s.hasher,
		trimmer: &s.trimmer,
		output:  s.output,
	}
	w.starts = s.starts
	s.spare.lend(w)
	defer s.spare.takeBack(w)
	if s.agent {
		w.ledger.Alive, w.ledger.StartsNoted = s.now(), true
	}
	err = f(w)
	if err == nil {
		err = w.putLedger()
	}
	if err != nil {
		s.countLost(w)
		return 0, errors.Join(err, tx.Rollback())
	}
	id, size := uint64(tx.ID()), tx.Size()
	if err := s.commit(tx); err != nil {
		s.countLost(w)
		return 0, s.failedCommit(id, err)
	}
	s.setLedger(&w.ledger)
	s.witness.generation.Store(w.ledger.Generation)
	if s.ledger.Seals >= s.rotator.rotateAfter {
		s.rotator.wake()
	}
	s.fileBytes.Store(uint64(size))
	s.commits.Add(1)
	s.recovered()
	return id, nil
}

// countLost counts what a transaction sealed that came to nothing: its nonces are used up
// nevertheless.
func (s *Store) countLost(w *writer) {
	if w.Sealing == 0 {
		s.ledger.Seals = w.ledger.Seals
	}
}

// applyError is an error of applying a change: nothing of its transaction was done.
type applyError struct{ err error }

func (e *applyError) Error() string { return e.err.Error() }

func (e *applyError) Unwrap() error { return e.err }

// asRefusal returns the client's error for a change that could not be applied.
func asRefusal(err error) error {
	if e := messages.AsError(err); e != nil {
		return e
	}
	return messages.Errorf(messages.CodeInternal,
		"the store could not apply the change; the agent's log says why")
}
