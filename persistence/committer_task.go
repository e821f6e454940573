package persistence

import (
	"errors"

	"gusty/messages"
)

// task is work of the store's own that the committer does in a transaction of its own, between
// those of the changes.
type task struct {
	apply     func(*writer) error
	committed func() // called by the committer when it is durable; may be nil
}

// do lets the committer do a task, and waits for it. The error is the task's, or one of Submit's.
func (s *Store) do(t *task) error {
	answer := make(chan error, 1)
	p := pending{task: t, done: func(c messages.Committed) { answer <- c.Err }}
	if err := s.queue.Add(p); err != nil {
		return err
	}
	return <-answer
}

// commitTask does a task and answers it. A returned error means that the outcome is unknown, and is
// the caller's to answer.
func (s *Store) commitTask(p *pending) error {
	_, err := s.write(func(w *writer) error {
		if err := p.task.apply(w); err != nil {
			return &applyError{err}
		}
		return nil
	})
	var failed *applyError
	switch {
	case errors.As(err, &failed):
		err = failed.err
	case err != nil && messages.AsError(err) == nil:
		return err
	case err == nil && p.task.committed != nil:
		p.task.committed()
	}
	p.Finish(messages.Committed{Err: err})
	return nil
}
