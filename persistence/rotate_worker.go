package persistence

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"gusty/messages"
)

// How a rotation makes way for others: it rests as long as it worked, at least leastRest, gives
// memory back every releaseTasks transactions, and tries again after retryRotation when the disk
// takes nothing or a run that began before is still printing.
const (
	leastRest     = 2 * time.Millisecond
	releaseTasks  = 16
	retryRotation = 15 * time.Second
)

// rotator seals anew, in the background, what older data keys sealed.
type rotator struct {
	rotateAfter uint64        // seals
	kick        chan struct{} // capacity 1: there may be something to do
	done        chan struct{} // closed when it has ended
	filesLeft   atomic.Uint64
	trouble     atomic.Value // string: why it does not go on, or what it leaves out
	before      []*Output    // its own: outputs that may write files with an older key, still,
	version     uint32       // than this one
	waiting     bool         // for those alone: all else is sealed with that one
}

func (r *rotator) wake() {
	select {
	case r.kick <- struct{}{}:
	default: // it is awake
	}
}

var (
	errStopping    = errors.New("the store is about to be closed")
	errStillPrints = errors.New("a run that began before is still printing")
)

// runRotator begins a rotation when the data key is used enough, and carries on with what is under
// way.
func (s *Store) runRotator() {
	defer close(s.rotator.done)
	s.rotator.wake()
	for {
		select {
		case <-s.stopping:
			return
		case <-s.rotator.kick:
		}
		if s.rotate() {
			time.AfterFunc(retryRotation, s.rotator.wake)
		}
	}
}

// rest waits, and reports whether the store is still open.
func (s *Store) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.stopping:
		return false
	case <-t.C:
		return true
	}
}

// rotate does what there is to do, and reports whether to try again later.
func (s *Store) rotate() (again bool) {
	err := s.rotateAll()
	switch {
	case err == nil:
		s.rotator.trouble.Store("")
		return false
	case errors.Is(err, errStopping) || messages.CodeOf(err) == messages.CodeUnavailable:
		return false
	case errors.Is(err, errStillPrints):
		s.rotator.trouble.Store("")
		return true
	}
	before := s.rotator.trouble.Swap(err.Error())
	if messages.AsError(err) != nil {
		if before != err.Error() {
			s.logger.Warn("the rotation of the data key waits", "error", err)
		}
		return true
	}
	s.logger.Error("the rotation of the data key does not go on before the next start", "error",
		err)
	return false
}

func (s *Store) rotateAll() error {
	if err := s.rotateUsedUp(); err != nil {
		return err
	}
	state, err := s.KeyRotation()
	if err != nil || state.State == messages.RotationIdle {
		return err
	}
	s.noteOutputs(state.KeyVersion)
	if err := s.resealRows(); err != nil {
		return err
	}
	if err := s.resealFiles(); err != nil {
		return err
	}
	if err := s.do(&task{apply: (*writer).dropOldKeys}); err != nil {
		return err
	}
	s.logger.Info("everything is sealed with the new data key; the older one is deleted",
		"key_version", state.KeyVersion)
	return nil
}

// rotateUsedUp makes a new key where the current one has sealed enough, even while everything is
// not yet sealed with that.
func (s *Store) rotateUsedUp() error {
	state, err := s.KeyRotation()
	if err != nil || state.Seals < s.rotator.rotateAfter {
		return err
	}
	s.keyOfFiles.Lock()
	defer s.keyOfFiles.Unlock()
	s.logger.Info("the data key has sealed enough; a new one takes its place", "key_version",
		state.KeyVersion, "seals", state.Seals)
	return s.rotateKey(func(*writer) error { return nil })
}

// resealRows seals all rows anew, a few in each transaction.
func (s *Store) resealRows() error {
	rows := leastRows
	for n := 1; ; n++ {
		took, err := s.resealSome(rows)
		switch {
		case errors.Is(err, errNothingOld):
			return nil
		case err != nil:
			return err
		case n%releaseTasks == 0:
			s.release()
		}
		if took > resealWithin {
			rows = max(rows/2, leastRows)
		} else if took < resealWithin/2 {
			rows = min(2*rows, resealRows)
		}
		if !s.rest(max(took, leastRest)) {
			return errStopping
		}
	}
}

// resealSome seals some rows anew, and returns the time from the transaction's begin to its end.
func (s *Store) resealSome(rows int) (took time.Duration, err error) {
	var begun time.Time
	err = s.do(&task{apply: func(w *writer) error {
		if w.ledger.Rotation.Old == 0 {
			return errNothingOld
		}
		begun = time.Now()
		return w.reseal(rows)
	}})
	return time.Since(begun), err
}

// errNothingOld keeps a transaction that would hold no change from being committed.
var errNothingOld = errors.New("nothing is sealed with an older key")

// noteOutputs notes, once for each key, the outputs that may have begun a file with an older one.
// There are none but those being written.
func (s *Store) noteOutputs(version uint32) {
	if s.rotator.version != version {
		s.rotator.version, s.rotator.before, s.rotator.waiting = version, s.live.all(), false
	}
}

// stillPrint reports whether outputs from before the new key are still being written.
func (s *Store) stillPrint() bool {
	now := s.live.all()
	s.rotator.before = slices.DeleteFunc(s.rotator.before, func(o *Output) bool {
		return !slices.Contains(now, o)
	})
	return len(s.rotator.before) > 0
}

// all returns the outputs that are being written.
func (l *liveOutputs) all() (outputs []*Output) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.runs {
		outputs = append(outputs, o)
	}
	return outputs
}
