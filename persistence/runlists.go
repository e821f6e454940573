package persistence

import "gusty/messages"

// The fields of a run list's record. Its key is the job's.
const (
	listRuns = 1
	listKeep = 2
)

// runList counts the runs under one name, so that trimming needs no scan. It outlives the job for as long as there are runs.
type runList struct {
	runs uint64
	keep uint64
}

// over is how many runs the list has beyond what it keeps.
func (l runList) over() uint64 { return l.runs - min(l.runs, l.keep) }

// runList gives the list of a name; one without a job keeps the default.
func (r *reader) runList(job nameKey) (runList, error) {
	record, err := r.get(bucketRunLists, job[:])
	if err != nil {
		return runList{}, err
	}
	return parseRunList(record)
}

func parseRunList(record []byte) (runList, error) {
	list := runList{keep: uint64(messages.DefaultJobOptions().KeepRuns)}
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case listRuns:
			list.runs = d.uint()
		case listKeep:
			list.keep = max(d.uint(), 1)
		}
	}
	if d.err != nil {
		return list, damagedRow(bucketRunLists)
	}
	return list, nil
}

// changeRunList stores a changed list, keeps the ledger's count of what all lists have over, and notes a list that has for trimming. The row
// of a name that has neither runs nor a job goes.
func (w *writer) changeRunList(job nameKey, change func(*runList)) error {
	list, err := w.runList(job)
	if err != nil {
		return err
	}
	was := list
	change(&list)
	if list.over() > 0 {
		w.trimmer.note(job)
	}
	if list.runs == 0 && !w.has(bucketJobs, job[:]) {
		w.ledger.runsOver -= was.over()
		return w.remove(bucketRunLists, job[:])
	}
	if list == was {
		return nil
	}
	w.ledger.runsOver += list.over() - was.over()
	return w.storeRunList(job, list)
}

func (w *writer) storeRunList(job nameKey, list runList) error {
	e := w.fresh()
	e.uint(listRuns, list.runs)
	e.uint(listKeep, list.keep)
	return w.put(bucketRunLists, job[:], e.buf)
}

// setKeepRuns remembers how many runs a job keeps, where it is another number than before.
func (w *writer) setKeepRuns(job nameKey, keep int) error {
	return w.changeRunList(job, func(l *runList) { l.keep = uint64(max(keep, 1)) })
}
