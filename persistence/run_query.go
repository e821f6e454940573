package persistence

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// What a page of runs holds where the query does not say, and at most.
const (
	defaultPage = 100
	maxPage     = 1000
)

func hasPrefix(key, prefix []byte) bool { return key != nil && bytes.HasPrefix(key, prefix) }

// run returns one stored run; nil where there is none.
func (r *reader) run(id format.RunKey, inline bool) (*messages.Run, error) {
	record, err := r.get(format.BucketRuns, id[:])
	if record == nil || err != nil {
		return nil, err
	}
	run, err := decodeRun(id, record, inline)
	if err != nil {
		return nil, format.DamagedRow(format.BucketRuns)
	}
	return &run, nil
}

// order gives the bucket and the prefix under which the runs of a query stand, oldest first.
func (r *reader) orderOf(q messages.RunQuery) (format.BucketID, []byte) {
	state := format.StateNumber(q.State)
	job := r.Hide(keyring.NameOfJob, q.ScriptName)
	switch {
	case q.ScriptName != "" && q.State != "":
		return format.BucketByJobState, append(job[:], state)
	case q.ScriptName != "":
		return format.BucketByJob, job[:]
	case q.State != "":
		return format.BucketByState, []byte{state}
	default:
		return format.BucketRuns, nil
	}
}

// seekLast moves to the newest entry under prefix, and before the run named before, where one is.
func seekLast(c *bolt.Cursor, prefix, before []byte) []byte {
	bound := append(bytes.Clone(prefix), before...)
	if before == nil {
		bound = append(bound, bytes.Repeat([]byte{0xff}, len(format.RunKey{})+1)...)
	}
	k, _ := c.Seek(bound)
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	return k
}

// Runs returns a page of runs, newest first, without their inline output, and with what those under
// way have printed so far. An unknown state or a Before that is no run id gives an *Error.
func (s *Store) Runs(q messages.RunQuery) (page messages.RunPage, err error) {
	var before []byte
	if q.Before != "" {
		id, ok := format.ParseRunKey(q.Before)
		if !ok {
			return page, &messages.Error{
				Code:    messages.CodeBadQuery,
				Field:   "before",
				Message: "is not the id of a run",
			}
		}
		before = id[:]
	}
	if q.State != "" && format.StateNumber(q.State) == 0 {
		return page, &messages.Error{
			Code:    messages.CodeBadQuery,
			Field:   "state",
			Message: "is not a state of a run",
		}
	}
	limit := min(q.Limit, maxPage)
	if limit <= 0 {
		limit = defaultPage
	}
	_, err = s.view(func(r *reader) error {
		page, err = r.page(q, before, limit)
		return err
	})
	for i := range page.Runs {
		s.addPrinted(&page.Runs[i])
	}
	return page, err
}

func (r *reader) page(q messages.RunQuery, before []byte, limit int) (page messages.RunPage,
	err error,
) {
	b, prefix := r.orderOf(q)
	c := r.bucket(b).Cursor()
	for k := seekLast(c, prefix, before); hasPrefix(k, prefix); k, _ = c.Prev() {
		if len(page.Runs) == limit {
			page.Next = page.Runs[limit-1].ID
			return page, nil
		}
		run, err := r.orderedRun(k)
		if err != nil {
			return page, err
		}
		page.Runs = append(page.Runs, *run)
	}
	return page, nil
}

// orderedRun returns the run that an entry of an order names.
func (r *reader) orderedRun(k []byte) (*messages.Run, error) {
	if len(k) < len(format.RunKey{}) {
		return nil, format.DamagedRow(format.BucketRuns)
	}
	run, err := r.run(format.RunKey(k[len(k)-len(format.RunKey{}):]), false)
	if err == nil && run == nil {
		err = format.DamagedRow(format.BucketRuns)
	}
	return run, err
}

// Run returns one run with its inline output; an *Error of not_found where there is none.
func (s *Store) Run(id string) (messages.Run, error) {
	var found *messages.Run
	_, err := s.view(func(r *reader) (err error) {
		if key, ok := format.ParseRunKey(id); ok {
			found, err = r.run(key, true)
		}
		return err
	})
	if err != nil {
		return messages.Run{}, err
	}
	if found == nil {
		return messages.Run{}, messages.Errorf(messages.CodeNotFound, "there is no run %q", id)
	}
	s.addPrinted(found)
	return *found, nil
}

// addPrinted tells of a run under way what it has printed so far; its record says so when it has
// ended.
func (s *Store) addPrinted(run *messages.Run) {
	if !run.State.Active() {
		return
	}
	key, _ := format.ParseRunKey(run.ID)
	if o := s.live.get(key); o != nil {
		o.addTo(&run.Output)
	}
}

// LastRun returns the newest run under a name, without its inline output; nil where there is none.
func (s *Store) LastRun(name string) (*messages.Run, error) {
	page, err := s.Runs(messages.RunQuery{ScriptName: name, Limit: 1})
	if err != nil || len(page.Runs) == 0 {
		return nil, err
	}
	return &page.Runs[0], nil
}

// LoadActiveRuns returns the runs that are queued or running, oldest first in each state, and the
// id of the transaction that it saw.
func (s *Store) LoadActiveRuns(each func(messages.Run) error) (uint64, error) {
	return s.view(func(r *reader) error {
		c := r.bucket(format.BucketByState).Cursor()
		for _, state := range []messages.RunState{messages.RunQueued, messages.RunRunning} {
			prefix := []byte{format.StateNumber(state)}
			for k, _ := c.Seek(prefix); hasPrefix(k, prefix); k, _ = c.Next() {
				run, err := r.orderedRun(k)
				if err != nil {
					return err
				}
				if err := each(*run); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
