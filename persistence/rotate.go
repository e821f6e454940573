package persistence

import (
	"context"
	"fmt"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// RotateKey makes a new data key. Everything that older ones sealed is sealed with it in the
// background, as KeyRotation tells, and when that is done, also by later processes, they are
// deleted. An *Error of conflict: a rotation is under way.
func (s *Store) RotateKey() error {
	if !s.keyOfFiles.TryLock() {
		return messages.Busy("the copy for a backup")
	}
	defer s.keyOfFiles.Unlock()
	return s.rotateKey(func(w *writer) error {
		if len(w.keyVersions()) > 1 {
			return messages.Errorf(messages.CodeConflict,
				"a rotation of the data key is under way; wait until it is done")
		}
		return nil
	})
}

// rotateKey makes a new data key, where check lets it.
func (s *Store) rotateKey(check func(*writer) error) error {
	var version uint32
	return s.do(&task{
		apply: func(w *writer) (err error) {
			if err := check(w); err != nil {
				return err
			}
			version, err = w.beginRotation(s.now())
			return err
		},
		committed: func() {
			s.ring.MakeCurrent(version)
			s.logger.Info("a new data key is in use; what older ones sealed is sealed anew",
				"key_version", version)
			s.rotator.wake()
		},
	})
}

// KeyRotation tells which data key seals, and how far the rotation is.
func (s *Store) KeyRotation() (k messages.KeyRotation, err error) {
	_, err = s.view(func(r *reader) error {
		l, err := readLedger(r)
		if err != nil {
			return fmt.Errorf(
				"%w: the ledger does not open; restart the agent to have the file verified",
				format.ErrDamaged)
		}
		versions := r.keyVersions()
		k = messages.KeyRotation{
			KeyVersion: versions[len(versions)-1], Seals: l.Seals, RotatesAtSeals: rotateAfterSeals,
			State: messages.RotationIdle,
			Rows:  l.Rotation.Rows, RowsLeft: l.Rotation.Old, BeganAt: l.Rotation.Began,
		}
		switch {
		case l.Rotation.Old > 0:
			k.State = messages.RotationOfRows
		case len(versions) > 1:
			k.State = messages.RotationOfOutput
		}
		return nil
	})
	k.FilesLeft = s.rotator.filesLeft.Load()
	k.LastError, _ = s.rotator.trouble.Load().(string)
	return k, err
}

// awaitEvery is how often AwaitRotation looks.
const awaitEvery = 100 * time.Millisecond

// AwaitRotation waits until no rotation is under way, and gives how that is then; progress, where
// it is not nil, is told meanwhile. The error says why the rotation does not go on.
func (s *Store) AwaitRotation(ctx context.Context,
	progress func(messages.KeyRotation),
) (messages.KeyRotation, error) {
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for {
		k, err := s.KeyRotation()
		switch {
		case err != nil || k.State == messages.RotationIdle:
			return k, err
		case k.LastError != "":
			return k, fmt.Errorf("the rotation waits: %s", k.LastError)
		case progress != nil:
			progress(k)
		}
		select {
		case <-ctx.Done():
			return k, fmt.Errorf("the rotation goes on when the store is open: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
