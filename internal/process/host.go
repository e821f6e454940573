package process

import (
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
)

// HostOptions are what a Host needs from the agent.
type HostOptions struct {
	Logger *slog.Logger
	// PrivateDir is where scripts lie while they run on Windows. It is made if it does not exist,
	// for the agent's account only. Not used elsewhere.
	PrivateDir string
}

// maxLinger is how many pipes of finished runs are read on for nobody, so that what these left
// running is not ended by a broken pipe. Beyond it the pipes are closed.
const maxLinger = 256

// startsPerCore bounds how many processes are being started at once: more of them only delay each
// other.
const startsPerCore = 2

// starts hands out the right to start a process.
type starts chan struct{}

func newStarts() starts { return make(starts, startsPerCore*runtime.NumCPU()) }

func (s starts) take() { s <- struct{}{} }

func (s starts) give() { <-s }

// Capabilities returns what the host offers now, in the order of probing. The slice is the
// caller's.
func (h *Host) Capabilities() []Capability { return h.asOfNow(slices.Clone(h.caps)) }

// lingerers counts the pumps that read on after their run.
type lingerers struct{ count atomic.Int32 }

func (l *lingerers) enter() bool {
	if l.count.Add(1) > maxLinger {
		l.leave()
		return false
	}
	return true
}

func (l *lingerers) leave() { l.count.Add(-1) }

// serial numbers runs without a mark.
type serial struct{ last atomic.Uint64 }

func (s *serial) next() uint64 { return s.last.Add(1) }
