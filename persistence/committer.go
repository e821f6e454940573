package persistence

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// outcome gathers what applying one change has brought.
type outcome struct {
	job        *messages.Job // of the last JobRow
	key        format.NameKey
	useful     bool // there is something to be committed
	added      int  // runs
	parameters bool // one was changed
	// imported is what became of the rows of an ImportRows.
	imported *messages.ImportResult
}

// runCommitter takes everything that waits into one transaction, and again, until the store is
// closed or a commit's outcome is unknown.
func (s *Store) runCommitter() {
	defer close(s.committed)
	released := time.Now()
	for {
		batch := s.queue.Take(quietAfter, s.release)
		if batch == nil {
			return
		}
		if err := s.commitBatch(batch); err != nil {
			s.Fail(batch, err)
			return
		}
		if time.Since(released) > releaseAfter {
			s.release()
			released = time.Now()
		}
	}
}

// When the committer gives the map's pages back: as soon as it has nothing to do, and now and then
// while it has.
const (
	quietAfter   = time.Second
	releaseAfter = 2 * time.Second
)

func (s *Store) release() {
	if err := s.ReleaseMemory(); err != nil {
		s.logger.Warn("the memory of the mapped file was not given back", "error", err)
	}
}

// Fail ends the committer: what it held may be done or not, what still waits is not, and nothing is
// taken any more.
func (s *Store) Fail(batch []pending, err error) {
	s.logger.Error("the store can't commit any more; the agent ends to start afresh from the disk",
		"error", err)
	for i := range batch {
		batch[i].Finish(messages.Committed{Err: err})
	}
	s.queue.close()
	for {
		rest := s.queue.Take(0, nil)
		if rest == nil {
			break
		}
		for i := range rest {
			rest[i].Finish(messages.Committed{Err: err})
		}
	}
	s.failed <- err
}

// commitBatch makes the changes durable and answers them. A returned error means that the outcome
// is unknown; what is not answered by then is the caller's to answer. A panic is such an error,
// after which the transaction may still hold bbolt's locks.
func (s *Store) commitBatch(batch []pending) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.abandoned = true
			err = fmt.Errorf("the committer panicked: %v\n%s", r, debug.Stack())
		}
	}()
	if batch[0].task != nil {
		return s.commitTask(&batch[0])
	}
	err = s.commitTogether(batch)
	var failed *applyError
	switch {
	case errors.As(err, &failed) && len(batch) > 1:
		return s.commitApart(batch)
	case failed != nil:
		s.logger.Error("a change could not be applied; nothing of it was done", "error", failed.err)
		batch[0].Finish(messages.Committed{Err: asRefusal(failed.err)})
		return nil
	}
	if e := messages.AsError(err); e != nil {
		finishAll(batch, e)
		return nil
	}
	return err
}

// commitApart commits each change in a transaction of its own, after one of them could not be
// applied: it fails alone.
func (s *Store) commitApart(batch []pending) error {
	for i := range batch {
		if err := s.commitBatch(batch[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// errAllRefused keeps a transaction that would hold no change from being committed.
var errAllRefused = errors.New("every change was refused")

// commitTogether applies the changes in one transaction and answers those that it took or refused.
func (s *Store) commitTogether(batch []pending) error {
	results := make([]messages.Committed, len(batch))
	var sum outcome
	var done trimmed
	id, err := s.write(func(w *writer) (err error) {
		if err := w.applyBatch(batch, results, &sum); err != nil {
			return err
		}
		if done, err = s.trim(w, &sum); err != nil {
			return &applyError{err}
		}
		if !sum.useful && !done.changed() {
			return errAllRefused
		}
		return nil
	})
	if err != nil && !errors.Is(err, errAllRefused) {
		return err
	}
	s.trimmedNow(&done)
	if sum.parameters {
		s.loadBounds()
	}
	for i := range batch {
		if results[i].Err == nil && len(batch[i].change.Rows) > 0 {
			results[i].TxID = id
			s.changes.Add(1)
			s.live.tellEnds(&batch[i].change)
			s.starts.settle(&batch[i].change)
		}
		batch[i].Finish(results[i])
	}
	return nil
}

// applyBatch applies the changes one by one, and sums up what they brought.
func (w *writer) applyBatch(batch []pending, results []messages.Committed, sum *outcome) error {
	for i := range batch {
		out, err := w.applyChange(&batch[i].change, &results[i])
		if err != nil {
			return &applyError{err}
		}
		sum.useful = sum.useful || results[i].Err == nil && len(batch[i].change.Rows) > 0
		sum.added += out.added
		sum.parameters = sum.parameters || out.parameters
	}
	return nil
}

func finishAll(batch []pending, err error) {
	for i := range batch {
		batch[i].Finish(messages.Committed{Err: err})
	}
}
