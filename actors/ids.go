package actors

import (
	"encoding/binary"
	"sync"

	"github.com/google/uuid"
)

// newID makes the id of a document: a UUIDv7 (RFC 9562), so that the order of ids is that of their
// making. A random source that does not answer is a reason to fail loudly: ids must not repeat.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// runIDs makes the ids of runs. Lists of runs, and what is trimmed of them, follow the order of
// their ids: each is above all that were made before, also by an earlier life of the agent whose
// clock was ahead. (The random part of 12 bits behind the time counts on then, RFC 9562, section
// 6.2.)
type runIDs struct {
	mu   sync.Mutex
	last uint64 // milliseconds since 1970, and 12 bits behind them
}

// The layout of a UUIDv7: 48 bits of time, the version, 12 bits, the variant, 62 bits.
const (
	idVersion  = 7
	behindBits = 12
	behindMask = 1<<behindBits - 1
)

// next makes an id.
func (r *runIDs) next() string {
	id := uuid.Must(uuid.NewV7())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last+1, orderOf(id))
	binary.BigEndian.PutUint64(id[:],
		r.last>>behindBits<<16|idVersion<<behindBits|r.last&behindMask)
	return id.String()
}

// after lets all further ids be above this one.
func (r *runIDs) after(id string) {
	known, err := uuid.Parse(id)
	if err != nil || known.Version() != idVersion {
		return // it is none of ours, and has no order
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, orderOf(known))
}

// orderOf returns what of an id tells its order.
func orderOf(id uuid.UUID) uint64 {
	head := binary.BigEndian.Uint64(id[:])
	return head>>16<<behindBits | head&behindMask
}
