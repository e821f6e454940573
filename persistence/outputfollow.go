package persistence

import (
	"context"
	"errors"
	"io"
	"iter"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// follower reads a run's output along. It waits for a run that has not started, follows one that
// prints, and reads back one that has ended.
type follower struct {
	store *Store
	key   format.RunKey
	track *track // of a run that prints or has printed since the follower came; nil: not yet
	next  func() (messages.OutputChunk, error, bool)
	stop  func() // of next; nil: nothing is read back
}

// FollowOutput returns what reads along with a run. The caller closes it. An *Error of not_found:
// the id is none.
func (s *Store) FollowOutput(runID string) (messages.OutputFollower, error) {
	key, ok := format.ParseRunKey(runID)
	if !ok {
		return nil, messages.Errorf(messages.CodeNotFound, "there is no run %q", runID)
	}
	return &follower{store: s, key: key}, nil
}

// Next waits for the next chunk.
func (f *follower) Next(ctx context.Context) (messages.OutputChunk, error) {
	if f.track == nil && f.next == nil {
		if err := f.awaitStart(ctx); err != nil {
			return messages.OutputChunk{}, err
		}
	}
	if f.track != nil {
		return f.track.Next(ctx)
	}
	chunk, err, ok := f.next()
	if !ok {
		return messages.OutputChunk{}, io.EOF
	}
	return chunk, err
}

// awaitStart waits until the run prints, or has its final record: it ended without a start, or
// between two looks.
func (f *follower) awaitStart(ctx context.Context) error {
	changed, forget := f.store.live.watch(f.key)
	defer forget()
	for {
		if o := f.store.live.get(f.key); o != nil {
			if f.track = o.follow(); f.track != nil {
				return nil
			}
		}
		run, err := f.store.Run(f.key.String())
		if err != nil {
			return err
		}
		if !run.State.Active() {
			f.next, f.stop = iter.Pull2(f.store.storedOutput(run.ID))
			return nil
		}
		if err := awaitNews(ctx, changed); err != nil {
			return err
		}
	}
}

// storedOutput returns EachOutput's chunks, and its error with an empty one.
func (s *Store) storedOutput(runID string) iter.Seq2[messages.OutputChunk, error] {
	return func(yield func(messages.OutputChunk, error) bool) {
		enough := errors.New("enough")
		err := s.EachOutput(runID, func(c messages.OutputChunk) error {
			if !yield(c, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(messages.OutputChunk{}, err)
		}
	}
}

// Close releases what the follower holds.
func (f *follower) Close() {
	if f.stop != nil {
		f.stop()
	}
	if f.track != nil {
		f.track.close()
	}
}
