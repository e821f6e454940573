package persistence

import (
	"fmt"
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// What becomes of output that the disk takes no writes for.

// maxHeldBytes is how much of what can't be written is held for the next attempt, or for the run's
// row where the run ends before: half of it the oldest, half of it the newest, which mostly says
// why a script failed.
const maxHeldBytes = maxInlineBytes

// hold keeps the beginning and the end of what waits, and counts what lies between as lost.
func (o *Output) hold(cause error) error {
	total := 0
	for i := range o.wait {
		total += len(o.wait[i].data)
	}
	const half = maxHeldBytes / 2
	if total <= maxHeldBytes {
		o.waiting = total
		return nil
	}
	held, at := make([]piece, 0, 4), 0
	for i := range o.wait {
		p := &o.wait[i]
		size := len(p.data)
		first, last := min(max(half-at, 0), size), min(max(total-half-at, 0), size)
		if first < last {
			o.state(p.stream).lost = true
		}
		held = append(held, p.part(0, first), p.part(last, size))
		o.store.pieces.Put(p.data)
		at += size
	}
	o.wait, o.waiting = slices.DeleteFunc(held, func(p piece) bool {
		return len(p.data) == 0
	}), maxHeldBytes
	o.loss = lossOf(cause)
	return o.loss
}

// part returns a copy of a part of the piece, whose own buffer is used again.
func (p *piece) part(from, to int) piece {
	return piece{p.sequence, p.offset + int64(from), p.at, p.stream, slices.Clone(p.data[from:to])}
}

// lossOf says why output was not kept: an *Error where the storage takes no writes.
func lossOf(cause error) error {
	if code, ok := datadir.StorageCode(cause); ok {
		return messages.Errorf(code, "a part of the output was left out, since the storage took "+
			"no writes: %s", datadir.StorageCause(code))
	}
	return fmt.Errorf("keep the output: %w", cause)
}
