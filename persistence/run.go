package persistence

import (
	"bytes"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

func checkRun(row *messages.RunRow) error {
	if _, ok := format.ParseRunKey(row.Run.ID); !ok {
		return messages.Invalidf("run_id", "%q is not a UUID", row.Run.ID)
	}
	if format.StateNumber(row.Run.State) == 0 {
		return messages.Invalidf("state", "%q is not a state of a run", string(row.Run.State))
	}
	return nil
}

// putRun stores a run and keeps its orders and its job's list. The documents are those that refer
// to its output, by sequence.
func (w *writer) putRun(row *messages.RunRow, documents []uint64, out *outcome) error {
	id, _ := format.ParseRunKey(row.Run.ID)
	job := w.Hide(keyring.NameOfJob, row.Run.ScriptName)
	state := format.StateNumber(row.Run.State)
	ordered := w.orderedState(job, id)
	was, now, err := w.putRunRow(id, row, documents)
	if err != nil {
		return err
	}
	if ordered != state {
		if err := w.order(job, id, ordered, state); err != nil {
			return err
		}
	}
	if ordered == 0 {
		out.added++
	}
	moved := was.class() != now.class() || now.class() == classApart && was.state != now.state
	if ordered == 0 || moved {
		return w.changeRunList(job, func(l *runList) {
			if ordered == 0 {
				l.runs++
			}
			l.leave(id, &was)
			l.enter(id, &now)
		})
	}
	if w.ledger.RunsOver > 0 && !was.ended() && now.ended() {
		w.trimmer.note(job) // this run may have been in the way
	}
	return nil
}

// putRunRow stores the row itself, and counts what it and the run's output files take. It returns
// what was noted of the run before, and what is now.
func (w *writer) putRunRow(
	id format.RunKey, row *messages.RunRow, documents []uint64,
) (was, now runKeeping, err error) {
	run := &row.Run
	if was, err = w.keeping(id); err != nil {
		return was, now, err
	}
	now = was
	if !run.State.Active() {
		now.fileBytes = outputBytes(w.output, id)
	}
	now.documents = append(now.documents, documents...)
	now.note(run)
	now.carry(row)
	if now.ended() && now.class() == classRan && bytes.Compare(id[:], w.ledger.NewestRan[:]) > 0 {
		w.ledger.NewestRan = id
	}
	return was, now, w.storeRun(id, run, &now, w.taken(id, &was))
}

// storeRun stores the row with what is kept of it, in the place of one that took so many bytes.
func (w *writer) storeRun(id format.RunKey, run *messages.Run, kept *runKeeping,
	before takenBytes,
) error {
	e := w.fresh()
	encodeRun(e, run)
	kept.Append(e, run.Output.InFile)
	if err := w.Put(format.BucketRuns, id[:], e.Buf); err != nil {
		return err
	}
	countTaken(&w.ledger, before, w.taken(id, kept))
	return nil
}

// orderedState returns the state that the orders have the run under; 0: the run is new. The order
// by job holds it as its value.
func (w *writer) orderedState(job format.NameKey, id format.RunKey) byte {
	value := w.bucket(format.BucketByJob).Get(id.ByJob(job))
	if len(value) != 1 {
		return 0
	}
	return value[0]
}

func (w *writer) order(job format.NameKey, id format.RunKey, was, state byte) error {
	if was != 0 {
		if err := w.unorder(job, id, was); err != nil {
			return err
		}
	}
	if err := w.store(format.BucketByJob, id.ByJob(job), []byte{state}); err != nil {
		return err
	}
	if err := w.store(format.BucketByState, id.ByState(state), []byte{}); err != nil {
		return err
	}
	return w.store(format.BucketByJobState, id.ByJobState(job, state), []byte{})
}

// unorder takes a run out of the orders by state; that by job is overwritten or removed by the
// caller.
func (w *writer) unorder(job format.NameKey, id format.RunKey, was byte) error {
	if err := w.Remove(format.BucketByState, id.ByState(was)); err != nil {
		return err
	}
	return w.Remove(format.BucketByJobState, id.ByJobState(job, was))
}
