package actors

import (
	"sync"
	"sync/atomic"

	"gusty/messages"
)

// Actor states as GET /agent/health/ready shows them.
const (
	stateDown       = "down"
	stateRestarting = "restarting"
	stateUp         = "up"
)

// vital is one actor's pulse: what others may know of it without asking it.
type vital struct {
	name     string
	mailbox  atomic.Pointer[mailbox]
	restarts atomic.Uint64

	mu      sync.Mutex
	state   string
	starts  uint64        // how often it came up
	changed chan struct{} // closed and replaced on every change
}

func newVital(name string) *vital {
	return &vital{name: name, state: stateDown, changed: make(chan struct{})}
}

func (v *vital) set(state string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if state == stateUp {
		v.starts++
	}
	v.state = state
	close(v.changed)
	v.changed = make(chan struct{})
}

// look returns the state, how often the actor came up, and a channel that closes at the next
// change.
func (v *vital) look() (state string, starts uint64, changed <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state, v.starts, v.changed
}

func (v *vital) stats() messages.ActorStats {
	state, _, _ := v.look()
	s := messages.ActorStats{Name: v.name, State: state, Restarts: v.restarts.Load()}
	if m := v.mailbox.Load(); m != nil {
		s.MailboxDepth = uint64(max(0, m.UserMessageCount()))
	}
	return s
}
