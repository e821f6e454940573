package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
)

// leaveRuns lets the rows of all queued runs that were not started say that they only wait.
func (w *writer) leaveRuns(out *outcome) error {
	var left []messages.Run
	prefix := []byte{format.StateNumber(messages.RunQueued)}
	c := w.bucket(format.BucketByState).Cursor()
	for k, _ := c.Seek(prefix); hasPrefix(k, prefix); k, _ = c.Next() {
		run, err := w.orderedRun(k)
		if err != nil {
			return err
		}
		if id, _ := format.ParseRunKey(run.ID); run.Armed &&
			w.starts.trace(id) == messages.StartNone {
			run.Armed = false
			left = append(left, *run)
		}
	}
	for i := range left {
		if err := w.putRun(&messages.RunRow{Run: left[i]}, nil, out); err != nil {
			return err
		}
	}
	return nil
}
