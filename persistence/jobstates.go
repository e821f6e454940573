package persistence

import "gusty/messages"

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

func encodeJobState(e *encoder, s *messages.JobState) {
	e.time(statePlannedThrough, s.PlannedThrough)
	e.time(stateAnchor, s.Anchor)
	e.text(stateBootID, s.BootID)
	e.bool(statePaused, s.Paused)
	e.bool(stateQuarantined, s.Quarantined)
	e.text(stateReason, s.Reason)
	e.int(stateFailureStreak, int64(s.FailureStreak))
	e.text(stateLastRunID, s.LastRunID)
}

func decodeJobState(record []byte) (s messages.JobState, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case statePlannedThrough:
			s.PlannedThrough = d.time()
		case stateAnchor:
			s.Anchor = d.time()
		case stateBootID:
			s.BootID = d.text()
		case statePaused:
			s.Paused = d.bool()
		case stateQuarantined:
			s.Quarantined = d.bool()
		case stateReason:
			s.Reason = d.text()
		case stateFailureStreak:
			s.FailureStreak = int(d.int())
		case stateLastRunID:
			s.LastRunID = d.text()
		}
	}
	return s, d.err
}

// jobState returns a job's state; the zero state where there is no row.
func (r *reader) jobState(key nameKey) (messages.JobState, error) {
	record, err := r.get(bucketJobStates, key[:])
	if record == nil || err != nil {
		return messages.JobState{}, err
	}
	s, err := decodeJobState(record)
	if err != nil {
		return s, damagedRow(bucketJobStates)
	}
	return s, nil
}

func (w *writer) putJobState(key nameKey, s messages.JobState) error {
	e := w.fresh()
	encodeJobState(e, &s)
	return w.put(bucketJobStates, key[:], e.buf)
}

// putStateOf stores a part of the state of a job that exists; of one that is gone it is left out.
func (w *writer) putStateOf(row messages.JobStateRow) error {
	key := w.hide(nameOfJob, row.Name)
	if !w.has(bucketJobs, key[:]) {
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
