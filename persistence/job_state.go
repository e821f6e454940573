package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// The fields of a job state's record.
const (
	statePlannedThrough = 1
	stateAnchor         = 2
	stateBootID         = 3
	statePaused         = 4
	stateQuarantined    = 5
	stateReason         = 6
	stateFailureStreak  = 7
	stateLastRunID      = 8
)

func encodeJobState(e *format.Encoder, s *messages.JobState) {
	e.Time(statePlannedThrough, s.PlannedThrough)
	e.Time(stateAnchor, s.Anchor)
	e.Text(stateBootID, s.BootID)
	e.Bool(statePaused, s.Paused)
	e.Bool(stateQuarantined, s.Quarantined)
	e.Text(stateReason, s.Reason)
	e.Int(stateFailureStreak, int64(s.FailureStreak))
	e.Text(stateLastRunID, s.LastRunID)
}

func decodeJobState(record []byte) (s messages.JobState, err error) {
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case statePlannedThrough:
			s.PlannedThrough = d.Time()
		case stateAnchor:
			s.Anchor = d.Time()
		case stateBootID:
			s.BootID = d.Text()
		case statePaused:
			s.Paused = d.Bool()
		case stateQuarantined:
			s.Quarantined = d.Bool()
		case stateReason:
			s.Reason = d.Text()
		case stateFailureStreak:
			s.FailureStreak = int(d.Int())
		case stateLastRunID:
			s.LastRunID = d.Text()
		}
	}
	return s, d.Err
}

// jobState returns a job's state; the zero state where there is no row.
func (r *reader) jobState(key format.NameKey) (messages.JobState, error) {
	record, err := r.get(format.BucketJobStates, key[:])
	if record == nil || err != nil {
		return messages.JobState{}, err
	}
	s, err := decodeJobState(record)
	if err != nil {
		return s, format.DamagedRow(format.BucketJobStates)
	}
	return s, nil
}

func (w *writer) putJobState(key format.NameKey, s messages.JobState) error {
	e := w.fresh()
	encodeJobState(e, &s)
	return w.Put(format.BucketJobStates, key[:], e.Buf)
}

// putStateOf stores a part of the state of a job that exists; of one that is gone it is left out.
func (w *writer) putStateOf(row messages.JobStateRow) error {
	key := w.Hide(keyring.NameOfJob, row.Name)
	if !w.has(format.BucketJobs, key[:]) {
		return nil
	}
	if row.Part == messages.WholeState {
		return w.putJobState(key, row.State)
	}
	stored, err := w.jobState(key)
	if err != nil {
		return err
	}
	return w.putJobState(key, stored.With(row.Part, &row.State))
}
