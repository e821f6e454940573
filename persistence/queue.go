package persistence

import (
	"sync"
	"time"

	"gusty/messages"
)

// Bounds of the queue and of what one transaction takes from it.
const (
	maxQueued      = 8192
	maxQueuedBytes = 32 << 20
	maxBatch       = 256
	maxBatchBytes  = 4 << 20
)

// pending is a change that waits, or is being committed, with whom to tell.
type pending struct {
	change messages.Change
	task   *task // nil: the change; else it is committed alone
	bytes  int
	done   func(messages.Committed)
}

// Finish answers once.
func (p *pending) Finish(c messages.Committed) {
	if done := p.done; done != nil {
		p.done = nil
		done(c)
	}
}

// queue holds the changes in order of arrival. Many submit, the committer alone takes.
type queue struct {
	mu     sync.Mutex
	wait   []pending
	bytes  int
	closed bool
	wake   chan struct{} // capacity 1: something waits, or the queue was closed
}

// Submit queues a change and never blocks. done is called once: at once with a refusal where the
// queue is full or closed, else from the committer, when the change is durable or has failed; it
// must not block. Changes are committed in the order of Submit.
func (s *Store) Submit(c messages.Change, done func(messages.Committed)) {
	p := pending{change: c, bytes: sizeOf(&c), done: done}
	if err := s.queue.Add(p); err != nil {
		done(messages.Committed{Err: err})
	}
}

func (q *queue) Add(p pending) *messages.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return messages.Errorf(messages.CodeUnavailable,
			"the store is closed; the change was not made")
	case len(q.wait) >= maxQueued || q.bytes+p.bytes > maxQueuedBytes && len(q.wait) > 0:
		return messages.Busy("the store")
	}
	q.wait = append(q.wait, p)
	q.bytes += p.bytes
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Take waits for changes and gives as many as one transaction takes; nil when the queue is closed
// and empty. It calls onQuiet once, where nothing comes for the time quiet.
func (q *queue) Take(quiet time.Duration, onQuiet func()) []pending {
	var timer *time.Timer
	var quieted <-chan time.Time
	for {
		batch, closed := q.cut()
		if batch != nil || closed {
			if timer != nil {
				timer.Stop()
			}
			return batch
		}
		if timer == nil && onQuiet != nil {
			timer = time.NewTimer(quiet)
			quieted = timer.C
		}
		select {
		case <-q.wake:
		case <-quieted:
			onQuiet()
		}
	}
}

func (q *queue) cut() (batch []pending, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.wait) == 0 {
		return nil, q.closed
	}
	n, bytes := 0, 0
	for n < len(q.wait) && n < maxBatch &&
		(n == 0 || q.wait[n].task == nil && q.wait[0].task == nil) &&
		(n == 0 || bytes+q.wait[n].bytes <= maxBatchBytes) {
		bytes += q.wait[n].bytes
		n++
	}
	batch = q.wait[:n:n]
	q.wait = q.wait[n:]
	q.bytes -= bytes
	if len(q.wait) == 0 {
		q.wait = nil
	}
	return batch, false
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// sizeOf estimates what a change adds to a transaction, in bytes.
func sizeOf(c *messages.Change) int {
	size := 0
	for _, row := range c.Rows {
		size += 256
		switch row := row.(type) {
		case messages.JobRow:
			size += len(row.Job.Content)
		case messages.DocumentRow:
			size += len(row.Document.Body)
		case messages.SettingRow:
			size += len(row.Value)
		case messages.RunRow:
			size += inlineBytes(&row.Run)
		case messages.ImportRows:
			size += importBytes(row.Items)
		}
	}
	return size
}

func inlineBytes(r *messages.Run) (n int) {
	for i := range r.Output.Inline {
		n += len(r.Output.Inline[i].Data)
	}
	return n
}

func importBytes(items []messages.ImportItem) (n int) {
	for i := range items {
		n += 256
		if job := items[i].Job; job != nil {
			n += len(job.Job.Content)
		}
	}
	return n
}
