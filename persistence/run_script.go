package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
)

// carry keeps the script that came with a run as long as that is queued.
func (k *runKeeping) carry(row *messages.RunRow) {
	switch {
	case row.Run.State != messages.RunQueued:
		k.script = nil
	case row.Script != nil:
		var e format.Encoder
		encodeJob(&e, row.Script)
		k.script = e.Buf
	}
}

// RunScript returns the script that a queued run came with. Code not_found where its row carries
// none.
func (s *Store) RunScript(runID string) (job messages.Job, err error) {
	var kept runKeeping
	_, err = s.view(func(r *reader) (err error) {
		if id, ok := format.ParseRunKey(runID); ok {
			kept, err = r.keeping(id)
		}
		return err
	})
	if err != nil {
		return job, err
	}
	if kept.script == nil {
		return job, messages.Errorf(messages.CodeNotFound, "the run %q carries no script", runID)
	}
	return decodeJob(kept.script, false)
}
