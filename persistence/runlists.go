package persistence

import "gusty/messages"

// The fields of a run list's record. Its key is the job's.
const (
	listRuns = 1
	listKeep = 2
)

// runList counts the runs under one name, so that trimming needs no scan. It outlives the job, as the runs do.
type runList struct {
	runs uint64
	keep uint64
}

// runList gives the list of a name; one without a job keeps the default.
func (r *reader) runList(job nameKey) (list runList, err error) {
	list.keep = uint64(messages.DefaultJobOptions().KeepRuns)
	record, err := r.get(bucketRunLists, job[:])
	if err != nil {
		return list, err
	}
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

func (w *writer) putRunList(job nameKey, list runList) error {
	e := w.fresh()
	e.uint(listRuns, list.runs)
	e.uint(listKeep, list.keep)
	return w.put(bucketRunLists, job[:], e.buf)
}

// setKeepRuns remembers how many runs a job keeps, where it is another number than before. The next run trims.
func (w *writer) setKeepRuns(job nameKey, keep int) error {
	list, err := w.runList(job)
	if err != nil || list.keep == uint64(max(keep, 1)) {
		return err
	}
	list.keep = uint64(max(keep, 1))
	return w.putRunList(job, list)
}
