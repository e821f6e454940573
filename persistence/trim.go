package persistence

import "bytes"

// endedRun is a run that may go.
type endedRun struct {
	id    runKey
	job   nameKey
	state byte
	kept  runKeeping
}

// trimLists removes what lists have over their keep_runs.
func (w *writer) trimLists(room int, done *trimmed) error {
	seen := 0
	for job := range w.trimmer.lists {
		if len(done.runs) >= room || seen == maxListsSeen {
			break
		}
		seen++
		if err := w.trimList(job, room-len(done.runs), done); err != nil {
			return err
		}
	}
	return nil
}

// trimList removes up to room runs of one list. It is settled when there is nothing more to be removed for now.
func (w *writer) trimList(job nameKey, room int, done *trimmed) error {
	list, err := w.runList(job)
	if err != nil {
		return err
	}
	want := min(list.over(), uint64(room))
	found, err := w.oldestOf(job, int(want))
	if err != nil {
		return err
	}
	if uint64(len(found)) < want || want == list.over() {
		done.settled = append(done.settled, job)
	}
	return w.removeRuns(found, done)
}

// oldestOf gives the oldest runs of a list that have ended, but for those whose output waits to be shipped and for the list's newest. It looks
// at a bounded part of the list: what must stay at its front is little.
func (w *writer) oldestOf(job nameKey, limit int) (found []endedRun, err error) {
	newest := seekLast(w.bucket(bucketByJob).Cursor(), job[:], nil)
	c := w.bucket(bucketByJob).Cursor()
	looked := 0
	for k, v := c.Seek(job[:]); hasPrefix(k, job[:]) && len(found) < limit && looked < maxLookedAt; k, v = c.Next() {
		looked++
		if len(v) != 1 || stateOf(uint64(v[0])).Active() || bytes.Equal(k, newest) {
			continue
		}
		run, err := w.endedRun(runKey(k[nameKeyBytes:]), v[0])
		if err != nil {
			return nil, err
		}
		if !w.waits(&run.kept) {
			found = append(found, run)
		}
	}
	return found, nil
}

// endedRun reads what must be known of a run to remove it.
func (w *writer) endedRun(id runKey, state byte) (run endedRun, err error) {
	record, err := w.get(bucketRuns, id[:])
	if err != nil {
		return run, err
	}
	run = endedRun{id: id, state: state}
	d := decoder{rest: record}
	for d.next() {
		if d.number == runScriptName {
			run.job = w.hide(nameOfJob, d.text())
			break
		}
	}
	if run.kept, err = parseKeeping(record); err != nil {
		return run, damagedRow(bucketRuns)
	}
	return run, nil
}

// removeRuns removes runs from their rows, their orders and their lists.
func (w *writer) removeRuns(runs []endedRun, done *trimmed) error {
	gone := map[nameKey]uint64{}
	for i := range runs {
		run := &runs[i]
		w.ledger.runBytes -= w.runBytes(run.id, &run.kept)
		if err := w.removeRun(run); err != nil {
			return err
		}
		gone[run.job]++
		done.runs = append(done.runs, run.id)
	}
	for job, count := range gone {
		if err := w.changeRunList(job, func(l *runList) { l.runs -= min(count, l.runs) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) removeRun(run *endedRun) error {
	if err := w.remove(bucketByJob, run.id.byJob(run.job)); err != nil {
		return err
	}
	if err := w.unorder(run.job, run.id, run.state); err != nil {
		return err
	}
	return w.remove(bucketRuns, run.id[:])
}
