package persistence

import "gusty/messages"

// maxTrimmed is how many runs one commit of a run removes at most, so that a lowered keep_runs does not make one transaction large.
const maxTrimmed = 16

func checkRun(row *messages.RunRow) error {
	if _, ok := parseRunKey(row.Run.ID); !ok {
		return messages.Invalidf("run_id", "%q is not a UUID", row.Run.ID)
	}
	if stateNumber(row.Run.State) == 0 {
		return messages.Invalidf("state", "%q is not a state of a run", string(row.Run.State))
	}
	return nil
}

// putRun stores a run and keeps its orders. A run that is new makes room in its job's list.
func (w *writer) putRun(row *messages.RunRow, out *outcome) error {
	id, _ := parseRunKey(row.Run.ID)
	job := w.ring.hide(nameOfJob, row.Run.ScriptName)
	state := stateNumber(row.Run.State)
	was := w.orderedState(job, id)
	e := w.fresh()
	encodeRun(e, &row.Run)
	if err := w.put(bucketRuns, id[:], e.buf); err != nil {
		return err
	}
	if was != state {
		if err := w.order(job, id, was, state); err != nil {
			return err
		}
	}
	if was != 0 {
		return nil
	}
	return w.countRun(job, id, out)
}

// orderedState gives the state that the orders have the run under; 0: the run is new. The order by job holds it as its value.
func (w *writer) orderedState(job nameKey, id runKey) byte {
	value := w.bucket(bucketByJob).Get(id.byJob(job))
	if len(value) != 1 {
		return 0
	}
	return value[0]
}

func (w *writer) order(job nameKey, id runKey, was, state byte) error {
	if was != 0 {
		if err := w.unorder(job, id, was); err != nil {
			return err
		}
	}
	if err := w.store(bucketByJob, id.byJob(job), []byte{state}); err != nil {
		return err
	}
	if err := w.store(bucketByState, id.byState(state), []byte{}); err != nil {
		return err
	}
	return w.store(bucketByJobState, id.byJobState(job, state), []byte{})
}

// unorder takes a run out of the orders by state; that by job is overwritten or removed by the caller.
func (w *writer) unorder(job nameKey, id runKey, was byte) error {
	if err := w.remove(bucketByState, id.byState(was)); err != nil {
		return err
	}
	return w.remove(bucketByJobState, id.byJobState(job, was))
}

// countRun adds a new run to its job's list and trims the list.
func (w *writer) countRun(job nameKey, added runKey, out *outcome) error {
	list, err := w.runList(job)
	if err != nil {
		return err
	}
	list.runs++
	if list.runs > list.keep {
		trimmed, err := w.trimRuns(job, added, min(list.runs-list.keep, maxTrimmed), out)
		if err != nil {
			return err
		}
		list.runs -= trimmed
	}
	return w.putRunList(job, list)
}

// trimRuns removes the oldest runs of a job that have ended, but never the one that was just added, and says how many.
func (w *writer) trimRuns(job nameKey, added runKey, excess uint64, out *outcome) (uint64, error) {
	old := w.oldestEnded(job, added, int(excess))
	for _, run := range old {
		if err := w.removeRun(job, run); err != nil {
			return 0, err
		}
		out.trimmed = append(out.trimmed, run.id)
	}
	return uint64(len(old)), nil
}

type orderedRun struct {
	id    runKey
	state byte
}

// oldestEnded looks at a bounded part of the order: runs that are still active at its front are few.
func (w *writer) oldestEnded(job nameKey, added runKey, limit int) (found []orderedRun) {
	c := w.bucket(bucketByJob).Cursor()
	looked := 0
	for k, v := c.Seek(job[:]); hasPrefix(k, job[:]) && len(found) < limit && looked < 1024; k, v = c.Next() {
		looked++
		run := orderedRun{runKey(k[nameKeyBytes:]), v[0]}
		if run.id != added && !stateOf(uint64(run.state)).Active() {
			found = append(found, run)
		}
	}
	return found
}

func (w *writer) removeRun(job nameKey, run orderedRun) error {
	if err := w.remove(bucketByJob, run.id.byJob(job)); err != nil {
		return err
	}
	if err := w.unorder(job, run.id, run.state); err != nil {
		return err
	}
	return w.remove(bucketRuns, run.id[:])
}
