package persistence

import (
	"errors"
	"time"
)

// loadHistory readies what trimming needs: the bounds, the counters of a file whose writer did not keep them, and the lists that are over
// what they keep. The counters come to the disk with the next commit, as the ledger does.
func (s *Store) loadHistory() error {
	_, err := s.view(func(r *reader) (err error) {
		if s.trimmer.bounds, err = r.readBounds(); err != nil {
			return err
		}
		if !s.ledger.runsCounted {
			if err := s.countRuns(r); err != nil {
				return err
			}
		}
		s.setLedger(&s.ledger)
		if s.ledger.runsOver == 0 {
			return nil
		}
		return r.scan(bucketRunLists, func(key, record []byte) error {
			list, err := parseRunList(record)
			if err == nil && list.over() > 0 && len(key) == nameKeyBytes {
				s.trimmer.note(nameKey(key))
			}
			return err
		})
	})
	return err
}

// countRuns counts what transactions keep count of from then on. It reads every run once.
func (s *Store) countRuns(r *reader) error {
	s.logger.Info("the stored runs are counted, once")
	s.ledger.runBytes, s.ledger.runsOver = 0, 0
	err := r.scan(bucketRuns, func(key, record []byte) error {
		kept, err := parseKeeping(record)
		if err != nil || len(key) != len(runKey{}) {
			return damagedRow(bucketRuns)
		}
		s.ledger.runBytes += r.runBytes(runKey(key), &kept)
		return nil
	})
	if err != nil {
		return err
	}
	s.ledger.runsCounted = true
	return r.scan(bucketRunLists, func(_, record []byte) error {
		list, err := parseRunList(record)
		s.ledger.runsOver += list.over()
		return err
	})
}

// loadBounds reads the bounds again after a parameter was changed; where they do not open, those from before stay.
func (s *Store) loadBounds() {
	_, err := s.view(func(r *reader) error {
		bounds, err := r.readBounds()
		if err == nil {
			s.trimmer.bounds, s.trimmer.rest = bounds, time.Time{}
		}
		return err
	})
	if err != nil {
		s.logger.Error("the bounds of the history could not be read", "error", err)
		return
	}
	s.trimmer.wake()
}

// trim is part of every transaction. A damaged row must not keep changes from being made: then nothing is trimmed until the next start, which
// verifies the file.
func (s *Store) trim(w *writer, sum *outcome) (trimmed, error) {
	if s.trimmer.faulty {
		return trimmed{}, nil
	}
	room := trimAlone
	if sum.useful {
		room = trimAtLeast + trimPerRun*sum.added
	}
	done, err := w.trim(s.now(), room)
	if errors.Is(err, ErrDamaged) {
		s.trimmer.faulty = true
		s.logger.Error("the history is not trimmed any more", "error", err)
		return done, nil
	}
	return done, err
}
