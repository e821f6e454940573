package actors

import (
	"sync/atomic"

	"gusty/messages"
)

// nudgingStore tells the shipper when documents have been committed. A nudge that is lost costs
// only delay.
type nudgingStore struct {
	Store
	nudge func()
}

// Submit hands the change to the store.
func (s nudgingStore) Submit(change messages.Change, done func(messages.Committed)) {
	if !bringsDocuments(&change) {
		s.Store.Submit(change, done)
		return
	}
	s.Store.Submit(change, func(c messages.Committed) {
		done(c)
		if c.Err == nil {
			s.nudge()
		}
	})
}

func bringsDocuments(change *messages.Change) bool {
	for _, row := range change.Rows {
		switch row.(type) {
		case messages.DocumentRow, messages.DeadRetried:
			return true
		}
	}
	return false
}

func (s *System) nudgeShipper() {
	s.grown.ring(func() { s.tell(nameShipper, outboxGrew{}) })
}

// bell keeps many nudges from becoming many messages: it is rung once until it is heard.
type bell struct{ rung atomic.Bool }

func (b *bell) ring(tell func()) {
	if !b.rung.Swap(true) {
		tell()
	}
}

func (b *bell) heard() { b.rung.Store(false) }
