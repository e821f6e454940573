package persistence

import (
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// endedRun is a run that may go.
type endedRun struct {
	id    format.RunKey
	job   format.NameKey
	state byte
	kept  runKeeping
}

// trimLists removes what lists have over their keep_runs, and folds what they have too many records
// of that did not run.
func (w *writer) trimLists(room int, done *trimmed) error {
	seen := 0
	for job := range w.trimmer.lists {
		if done.removed >= room || seen == maxListsSeen {
			break
		}
		seen++
		if err := w.trimList(job, room-done.removed, done); err != nil {
			return err
		}
	}
	return nil
}

// trimList removes up to room runs of one list. It is settled when there is nothing more to be
// removed for now.
func (w *writer) trimList(job format.NameKey, room int, done *trimmed) error {
	list, err := w.countedList(job, done)
	if err != nil {
		return err
	}
	before := done.removed
	if err := w.foldList(job, &list, room, done); err != nil {
		return err
	}
	want := min(list.ranOver(), uint64(max(0, room-(done.removed-before))))
	found, err := w.oldestOf(job, &list, int(want))
	if err != nil {
		return err
	}
	if err := w.removeRuns(found, done); err != nil {
		return err
	}
	list, err = w.runList(job)
	if removed := done.removed - before; removed == 0 || list.over() == 0 {
		done.settled = append(done.settled, job)
	}
	return err
}

// countedList returns a list whose row says what ran, and sees to it that it does.
func (w *writer) countedList(job format.NameKey, done *trimmed) (runList, error) {
	list, err := w.runList(job)
	if err != nil {
		return list, err
	}
	if _, recounted := w.trimmer.recounted[job]; !recounted {
		return list, nil
	}
	done.recounted = append(done.recounted, job)
	if list.counted || list.runs == 0 {
		return list, nil
	}
	list.counted = true
	return list, w.storeRunList(job, list)
}

// oldestOf returns the oldest runs of a list that ran and have ended, but for those whose output
// waits to be shipped and for the newest of all. It looks at a bounded part of the list: what must
// stay at its front is little.
func (w *writer) oldestOf(job format.NameKey, list *runList, limit int) (found []endedRun,
	err error,
) {
	var held []endedRun // goes where a newer one follows
	c := w.bucket(format.BucketByJob).Cursor()
	looked := 0
	for k, v := c.Seek(job[:]); hasPrefix(k, job[:]) && len(found) < limit &&
		looked < maxLookedAt; k, v = c.Next() {
		looked++
		id := format.RunKey(k[format.NameKeyBytes:])
		if len(v) != 1 || format.StateOf(uint64(v[0])).Active() || isNeverBegun(v[0]) ||
			list.Names(id) {
			continue
		}
		found, held = append(found, held...), held[:0]
		run, err := w.endedRun(id, v[0])
		if err != nil {
			return nil, err
		}
		if !w.waits(&run.kept) {
			held = append(held, run)
		}
	}
	return found, nil
}

// endedRun reads what must be known of a run to remove it.
func (w *writer) endedRun(id format.RunKey, state byte) (run endedRun, err error) {
	record, err := w.get(format.BucketRuns, id[:])
	if err != nil {
		return run, err
	}
	run = endedRun{id: id, state: state}
	d := format.Decoder{Rest: record}
	for d.Next() {
		if d.Number == runScriptName {
			run.job = w.Hide(keyring.NameOfJob, d.Text())
			break
		}
	}
	if run.kept, err = parseKeeping(record); err != nil {
		return run, format.DamagedRow(format.BucketRuns)
	}
	return run, nil
}

// removeRuns removes runs from their rows, their orders and their lists.
func (w *writer) removeRuns(runs []endedRun, done *trimmed) error {
	gone := map[format.NameKey][]*endedRun{}
	for i := range runs {
		run := &runs[i]
		countTaken(&w.ledger, w.taken(run.id, &run.kept), takenBytes{})
		if err := w.removeRun(run); err != nil {
			return err
		}
		gone[run.job] = append(gone[run.job], run)
		done.removed++
		if !isNeverBegun(run.state) {
			done.runs = append(done.runs, run.id)
		}
	}
	for job, runs := range gone {
		if err := w.changeRunList(job, func(l *runList) { l.Remove(runs) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) removeRun(run *endedRun) error {
	if err := w.Remove(format.BucketByJob, run.id.ByJob(run.job)); err != nil {
		return err
	}
	if err := w.unorder(run.job, run.id, run.state); err != nil {
		return err
	}
	return w.Remove(format.BucketRuns, run.id[:])
}
