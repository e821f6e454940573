package persistence

import (
	"errors"
	"time"

	"gusty/persistence/internal/format"
)

// loadHistory readies what trimming needs: the bounds, the counters of a file whose writer did not
// keep them, and the lists that are over what they keep. The counters come to the disk with the
// next commit, as the ledger does.
func (s *Store) loadHistory() error {
	_, err := s.view(func(r *reader) (err error) {
		if s.trimmer.bounds, err = r.readBounds(); err != nil {
			return err
		}
		if !s.ledger.RunsCounted {
			if err := s.countRuns(r); err != nil {
				return err
			}
		}
		s.setLedger(&s.ledger)
		return s.noteLists(r)
	})
	return err
}

// noteLists notes the lists that are over what they keep, and those whose rows do not say what ran.
func (s *Store) noteLists(r *reader) error {
	for job := range s.trimmer.recounted {
		s.trimmer.note(job)
	}
	if len(s.trimmer.recounted) > 0 {
		s.trimmer.wake()
	}
	if s.ledger.RunsOver == 0 {
		return nil
	}
	return s.eachList(r, func(job format.NameKey, list *runList) {
		if list.over() > 0 {
			s.trimmer.note(job)
		}
	})
}

// eachList calls each for every list, as it is counted.
func (s *Store) eachList(r *reader, each func(format.NameKey, *runList)) error {
	return r.scan(format.BucketRunLists, func(key, record []byte) error {
		list, err := parseRunList(record)
		if err != nil || len(key) != format.NameKeyBytes {
			return format.DamagedRow(format.BucketRunLists)
		}
		s.trimmer.recounted.complete(format.NameKey(key), &list)
		each(format.NameKey(key), &list)
		return nil
	})
}

// countRuns counts what transactions keep count of from then on. It reads every run once. That all
// is counted is noted when the lists say so, too.
func (s *Store) countRuns(r *reader) (err error) {
	s.logger.Info("the stored runs are counted, once")
	l := &s.ledger
	l.RunBytes, l.RunsOver, l.ApartBytes, l.NewestRan = 0, 0, 0, format.RunKey{}
	err = r.scan(format.BucketRuns, func(key, record []byte) error {
		kept, err := parseKeeping(record)
		if err != nil || len(key) != len(format.RunKey{}) {
			return format.DamagedRow(format.BucketRuns)
		}
		countTaken(l, takenBytes{}, r.taken(format.RunKey(key), &kept))
		if kept.ended() && kept.class() == classRan {
			l.NewestRan = format.RunKey(key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.trimmer.recounted, err = r.recountLists(); err != nil {
		return err
	}
	l.RunsCounted = len(s.trimmer.recounted) == 0
	return s.eachList(r, func(_ format.NameKey, list *runList) { l.RunsOver += list.over() })
}

// loadBounds reads the bounds again after a parameter was changed; where they do not open, those
// from before stay.
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

// trim is part of every transaction. A damaged row must not keep changes from being made: then
// nothing is trimmed until the next start, which verifies the file.
func (s *Store) trim(w *writer, sum *outcome) (trimmed, error) {
	if s.trimmer.faulty {
		return trimmed{}, nil
	}
	room := trimAlone
	if sum.useful {
		room = trimAtLeast + trimPerRun*sum.added
	}
	done, err := w.trim(s.now(), room)
	if errors.Is(err, format.ErrDamaged) {
		s.trimmer.faulty = true
		s.logger.Error("the history is not trimmed any more", "error", err)
		return done, nil
	}
	return done, err
}
