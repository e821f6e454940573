package persistence

import (
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// scan opens every row of a bucket in key order, and gives pages back as it goes and at its end.
func (r *reader) scan(b format.BucketID, each func(key, record []byte) error) error {
	rows := 0
	c := r.bucket(b).Cursor()
	for key, sealed := c.First(); key != nil; key, sealed = c.Next() {
		record, err := r.record(b, key, sealed)
		if err != nil {
			return err
		}
		if err := each(key, record); err != nil {
			return err
		}
		if rows++; rows%boltfile.ReleaseEvery == 0 {
			if err := boltfile.ReleaseMap(r.tx); err != nil {
				return err
			}
		}
	}
	return boltfile.ReleaseMap(r.tx)
}

// LoadJobs returns the head of every job with its state, and the id of the transaction that it saw.
// As with every method that calls a function for each row, that function must not call the store.
func (s *Store) LoadJobs(each func(messages.JobHead) error) (uint64, error) {
	return s.view(func(r *reader) error {
		return r.scan(format.BucketJobs, func(key, record []byte) error {
			job, err := decodeJob(record, true)
			if err != nil || len(key) != format.NameKeyBytes {
				return format.DamagedRow(format.BucketJobs)
			}
			head := job.Head()
			if head.State, err = r.jobState(format.NameKey(key)); err != nil {
				return err
			}
			return each(head)
		})
	})
}

// JobIndices returns the names of indices that jobs send their output to, each once, in order. A
// job that sends it to the index of the application log has none.
func (s *Store) JobIndices() ([]string, error) {
	var names []string
	_, err := s.view(func(r *reader) error {
		return r.scan(format.BucketJobs, func(_, record []byte) error {
			var job messages.Job
			err := decodeJobFields(record, &job, func(number uint64) bool {
				return number == jobIndex || number == jobIndexEnabled
			})
			if err != nil {
				return format.DamagedRow(format.BucketJobs)
			}
			if job.OpenSearchEnabled && job.OpenSearchIndex != "" {
				names = append(names, job.OpenSearchIndex)
			}
			return nil
		})
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// LoadParameters returns every row of server_config, and the id of the transaction that it saw.
func (s *Store) LoadParameters(each func(messages.StoredParameter) error) (uint64, error) {
	return s.view(func(r *reader) error {
		return r.scan(format.BucketParameters, func(_, record []byte) error {
			p, err := decodeParameter(record)
			if err != nil {
				return format.DamagedRow(format.BucketParameters)
			}
			return each(p)
		})
	})
}

// LoadUsers returns every user, and the id of the transaction that it saw.
func (s *Store) LoadUsers(each func(messages.User) error) (uint64, error) {
	return s.view(func(r *reader) error {
		return r.scan(format.BucketUsers, func(_, record []byte) error {
			u, err := decodeUser(record)
			if err != nil {
				return format.DamagedRow(format.BucketUsers)
			}
			return each(u)
		})
	})
}

// Job returns a stored job; an *Error of not_found where there is none.
func (s *Store) Job(name string) (messages.Job, error) {
	var job *messages.Job
	_, err := s.view(func(r *reader) (err error) {
		job, err = r.job(name)
		return err
	})
	if err != nil {
		return messages.Job{}, err
	}
	if job == nil {
		return messages.Job{}, checkExpect(messages.ExpectPresent, false, "job", name)
	}
	return *job, nil
}

// JobState returns the state of a stored job; an *Error of not_found where there is no such job.
func (s *Store) JobState(name string) (state messages.JobState, err error) {
	_, err = s.view(func(r *reader) error {
		if err := r.checkJob(name, messages.ExpectPresent); err != nil {
			return err
		}
		state, err = r.jobState(r.Hide(keyring.NameOfJob, name))
		return err
	})
	return state, err
}
