package persistence

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// endedWalk goes through the runs that have ended, oldest first. It merges the orders by state, so
// that runs that are active cost nothing.
type endedWalk struct{ heads []walkHead }

type walkHead struct {
	cursor *bolt.Cursor
	state  byte
	key    []byte // nil: at its end
}

// walkEnded goes through all of them, but begins behind the run with the id behind. The walk is
// over when a row is changed.
func (r *reader) walkEnded(behind format.RunKey) *endedWalk {
	return r.walkStates(behind, slices.DeleteFunc(messages.RunStates(), messages.RunState.Active))
}

// walkStates goes through those that ended in one of the states.
func (r *reader) walkStates(behind format.RunKey, states []messages.RunState) *endedWalk {
	walk := &endedWalk{}
	for _, state := range states {
		head := walkHead{
			cursor: r.bucket(format.BucketByState).Cursor(),
			state:  format.StateNumber(state),
		}
		key, _ := head.cursor.Seek(behind.ByState(head.state))
		if bytes.Equal(key, behind.ByState(head.state)) {
			key, _ = head.cursor.Next()
		}
		head.set(key)
		walk.heads = append(walk.heads, head)
	}
	return walk
}

func (h *walkHead) set(key []byte) {
	h.key = nil
	if len(key) == 1+len(format.RunKey{}) && key[0] == h.state {
		h.key = key
	}
}

func (w *endedWalk) Next() (id format.RunKey, state byte, ok bool) {
	var first *walkHead
	for i := range w.heads {
		h := &w.heads[i]
		if h.key != nil && (first == nil || bytes.Compare(h.key[1:], first.key[1:]) < 0) {
			first = h
		}
	}
	if first == nil {
		return id, 0, false
	}
	id = format.RunKey(first.key[1:])
	key, _ := first.cursor.Next()
	first.set(key)
	return id, first.state, true
}
