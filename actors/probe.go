package actors

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/opensearch"
)

// How indices are tried again whose shards are not there: OpenSearch waits for a
// shard before it says so, and whatever is in the same request waits with it. So that takes a
// delivery of its own, beside the others, with one document for each.

// probeStalled begins a delivery that finds out whether the indices whose time has come have their
// shards again. One is under way at a time.
func (a *shipperActor) probeStalled(ctx actor.Context, now time.Time) {
	if a.probing {
		return
	}
	only, after := map[string]bool{}, noRewind
	for index, h := range a.holds {
		if h.stalled && h.soon(now) && len(only) < probeRows {
			h.probed, h.until, only[index] = true, now, true
			after = min(after, h.from-1)
		}
	}
	if len(only) == 0 {
		return
	}
	a.probing = true
	a.launch(ctx, &delivery{
		after:    after,
		only:     only,
		maxRows:  len(only),
		maxBytes: a.pace.bytes,
		gathered: func(uint64, bool) {},
	})
}

// concludeProbe lets go of the indices that took their document, or for which none waits any more.
// The others are held by what noteHeld has concluded; where nothing was learned they wait as
// before.
func (a *shipperActor) concludeProbe(r *delivered, commitErr error, now time.Time) {
	a.probing = false
	err := commitErr
	if err == nil {
		err = r.err
	}
	if err == nil {
		a.endProbe(r, now)
		return
	}
	if status, ok := errors.AsType[*opensearch.StatusError](err); ok &&
		status.Class() == opensearch.TooLarge {
		a.pace.tooLarge(r.sent, r.maxBytes, now)
	}
	for _, h := range a.holds {
		if h.probed {
			h.until, h.reason, h.probed = now.Add(h.next(0)), err.Error(), false
		}
	}
}

func (a *shipperActor) endProbe(r *delivered, now time.Time) {
	a.noteHeld(r, now)
	asked := map[string]bool{}
	for i := range r.rows {
		asked[r.rows[i].index] = true
	}
	for index, h := range a.holds {
		if h.probed && !h.until.After(now) && (asked[index] || !r.more) {
			a.release(h)
		}
		h.probed = false
	}
}
