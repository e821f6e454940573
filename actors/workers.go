package actors

import "sync"

// throughput is how many messages an actor takes before it lets others run: the library's own
// figure.
const throughput = 300

// idleWorkers is how many goroutines wait for the next message of any actor. More than so many
// actors are seldom at work at once.
const idleWorkers = 4

// workers are the dispatcher of the actors: goroutines that are used again. The library's own
// starts one each time that a message comes to an actor at rest; such a one begins with a small
// stack and grows it, copy by copy, before it gets to the message.
type workers struct {
	mu     sync.Mutex
	idle   []chan func() // the one that was at work last, whose stack is warm, is at the end
	closed bool
}

// Throughput is asked by the library.
func (w *workers) Throughput() int { return throughput }

// Schedule lets a goroutine empty a mailbox.
func (w *workers) Schedule(empty func()) {
	w.mu.Lock()
	last := len(w.idle) - 1
	if last < 0 {
		w.mu.Unlock()
		go w.work(empty)
		return
	}
	next := w.idle[last]
	w.idle = w.idle[:last]
	w.mu.Unlock()
	next <- empty
}

func (w *workers) work(empty func()) {
	next := make(chan func(), 1) // a sender does not wait
	for empty != nil {
		empty() // which recovers
		if !w.wait(next) {
			return
		}
		empty = <-next
	}
}

// wait puts a goroutine among the idle ones, where it is wanted.
func (w *workers) wait(next chan func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) == idleWorkers {
		return false
	}
	w.idle = append(w.idle, next)
	return true
}

// close ends the goroutines that wait, and each of the others when its mailbox is empty. What comes
// later is done nevertheless.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, next := range w.idle {
		close(next)
	}
	w.idle = nil
}
