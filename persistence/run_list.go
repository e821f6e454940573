package persistence

import (
	"bytes"
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// The fields of a run list's record. Its key is the job's.
const (
	listRuns   = 1
	listKeep   = 2
	listRan    = 3 // always there; absent where an earlier version wrote
	listApart  = 4
	listRecent = 5 // repeated, in order of the ids: state uint8, run id
)

// How many records of what did not run stay as they are under one name in each state, at least and
// at most. What is older is folded into one more.
const (
	leastApart = 10
	mostApart  = 100
	apartShare = 10 // between the two, the part of the runs that are kept
)

// runList counts the runs under one name, so that trimming needs no scan. It outlives the job for
// as long as there are runs.
type runList struct {
	runs    uint64
	keep    uint64
	ran     uint64     // of the runs, those that ran; keep bounds them
	apart   uint64     // of the runs, those that ended without having run
	recent  []apartRun // the newest of these, by id; an earlier version may have left older ones
	counted bool       // the row says what ran
}

type apartRun struct {
	state byte
	id    format.RunKey
}

// over is how many runs the list has beyond what it keeps.
func (l *runList) over() uint64 { return l.ranOver() + l.foldable() }

func (l *runList) ranOver() uint64 { return format.LessBy(l.ran, l.keep) }

// keptApart is how many records of what did not run stay as they are in each state.
func (l *runList) keptApart() uint64 { return min(max(l.keep/apartShare, leastApart), mostApart) }

// foldable is how many records of what did not run are to be folded into others.
func (l *runList) foldable() uint64 {
	over, kept := l.strays(), l.keptApart()
	var counts [16]uint64
	for i := range l.recent {
		if count := &counts[l.recent[i].state&15]; *count > kept {
			over++
		} else {
			*count++
		}
	}
	return over
}

// strays is how many records of what did not run are older than those that the list names.
func (l *runList) strays() uint64 { return format.LessBy(l.apart, uint64(len(l.recent))) }

// recentIn returns the ids that the list names in a state, oldest first.
func (l *runList) recentIn(state byte) (ids []format.RunKey) {
	for i := range l.recent {
		if l.recent[i].state == state {
			ids = append(ids, l.recent[i].id)
		}
	}
	return ids
}

func (l *runList) find(id format.RunKey) (int, bool) {
	return slices.BinarySearchFunc(l.recent, id, func(r apartRun, id format.RunKey) int {
		return bytes.Compare(r.id[:], id[:])
	})
}

// Names reports whether the run is one of those that the list names.
func (l *runList) Names(id format.RunKey) bool {
	_, found := l.find(id)
	return found
}

// after returns the next run that the list names in the state.
func (l *runList) after(id format.RunKey, state byte) (next format.RunKey, ok bool) {
	for i := range l.recent {
		if r := &l.recent[i]; r.state == state && bytes.Compare(r.id[:], id[:]) > 0 {
			return r.id, true
		}
	}
	return next, false
}

// enter counts a run as what it is now.
func (l *runList) enter(id format.RunKey, k *runKeeping) {
	switch k.class() {
	case classRan:
		l.ran++
	case classApart:
		l.apart++
		if at, found := l.find(id); !found {
			l.recent = slices.Insert(slices.Clone(l.recent), at, apartRun{k.state, id})
		}
	default:
	}
}

// leave takes a run out of the counts. What did not run, is older than what the list names, and was
// ended in a state that a run may have too, was counted as one.
func (l *runList) leave(id format.RunKey, k *runKeeping) {
	class := k.class()
	at, named := l.find(id)
	switch {
	case class == classApart && named:
		l.recent = slices.Delete(slices.Clone(l.recent), at, at+1)
		l.apart = format.LessBy(l.apart, 1)
	case class == classApart && isNeverBegun(k.state):
		l.apart = format.LessBy(l.apart, 1)
	case class != classWaits:
		l.ran = format.LessBy(l.ran, 1)
	}
}

func (l *runList) Remove(runs []*endedRun) {
	for _, run := range runs {
		l.runs = format.LessBy(l.runs, 1)
		l.leave(run.id, &run.kept)
	}
}

func (l *runList) equal(other *runList) bool {
	return l.runs == other.runs && l.keep == other.keep && l.ran == other.ran &&
		l.apart == other.apart && slices.Equal(l.recent, other.recent)
}

// runList returns the list of a name; one without a job keeps the default.
func (w *writer) runList(job format.NameKey) (runList, error) {
	record, err := w.get(format.BucketRunLists, job[:])
	if err != nil {
		return runList{}, err
	}
	list, err := parseRunList(record)
	if err == nil && w.trimmer != nil {
		w.trimmer.recounted.complete(job, &list)
	}
	return list, err
}

func parseRunList(record []byte) (runList, error) {
	list := runList{keep: uint64(messages.DefaultJobOptions().KeepRuns)}
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case listRuns:
			list.runs = d.Uint()
		case listKeep:
			list.keep = max(d.Uint(), 1)
		case listRan:
			list.ran, list.counted = d.Uint(), true
		case listApart:
			list.apart = d.Uint()
		case listRecent:
			if len(d.Data) != 1+len(format.RunKey{}) {
				d.Fail()
				break
			}
			list.recent = append(list.recent, apartRun{d.Data[0], format.RunKey(d.Data[1:])})
		}
	}
	if !list.counted {
		list.ran, list.apart, list.recent = list.runs, 0, nil
	}
	if d.Err != nil {
		return list, format.DamagedRow(format.BucketRunLists)
	}
	return list, nil
}

// changeRunList stores a changed list, keeps the ledger's count of what all lists have over, and
// notes a list that has for trimming. The row of a name that has neither runs nor a job goes.
func (w *writer) changeRunList(job format.NameKey, change func(*runList)) error {
	list, err := w.runList(job)
	if err != nil {
		return err
	}
	was := list
	change(&list)
	if list.over() > 0 {
		w.trimmer.note(job)
	}
	if list.runs == 0 && !w.has(format.BucketJobs, job[:]) {
		w.ledger.RunsOver -= was.over()
		return w.Remove(format.BucketRunLists, job[:])
	}
	if list.equal(&was) {
		return nil
	}
	w.ledger.RunsOver += list.over() - was.over()
	list.counted = true
	return w.storeRunList(job, list)
}

func (w *writer) storeRunList(job format.NameKey, list runList) error {
	e := w.fresh()
	e.Uint(listRuns, list.runs)
	e.Uint(listKeep, list.keep)
	if list.counted {
		e.Explicit = true
		e.Uint(listRan, list.ran)
		e.Explicit = false
		e.Uint(listApart, list.apart)
		for i := range list.recent {
			e.Bytes(listRecent, append([]byte{list.recent[i].state}, list.recent[i].id[:]...))
		}
	}
	return w.Put(format.BucketRunLists, job[:], e.Buf)
}

// setKeepRuns remembers how many runs a job keeps, where it is another number than before.
func (w *writer) setKeepRuns(job format.NameKey, keep int) error {
	return w.changeRunList(job, func(l *runList) { l.keep = uint64(max(keep, 1)) })
}
