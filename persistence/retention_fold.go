package persistence

import (
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// foldList folds up to room of the list's oldest records of what did not run, state by state, each
// into the one behind it.
func (w *writer) foldList(job format.NameKey, list *runList, room int, done *trimmed) error {
	for _, state := range apartStates() {
		number := format.StateNumber(state)
		ids := w.foldable(job, list, number, room)
		if len(ids) < 2 {
			continue
		}
		last := len(ids) - 1
		if err := w.foldRuns(job, number, ids[:last], ids[last], done); err != nil {
			return err
		}
		room -= last
	}
	return nil
}

// foldable returns the oldest records of a state that become one, oldest first: at most one more
// than there is room for.
func (w *writer) foldable(job format.NameKey, list *runList, state byte, room int) []format.RunKey {
	named := list.recentIn(state)
	ids := w.strays(job, list, named, state, room+1)
	if len(ids) <= room {
		kept := int(list.keptApart()) //nolint:gosec // at most mostApart
		ids = append(ids, named[:max(0, len(named)-kept)]...)
	}
	return ids[:min(len(ids), room+1)]
}

// strays returns the oldest records of a state that are older than those that the list names; an
// earlier version has left them.
func (w *writer) strays(
	job format.NameKey, list *runList, named []format.RunKey, state byte, limit int,
) (ids []format.RunKey) {
	if list.strays() == 0 || !isNeverBegun(state) {
		return nil
	}
	prefix := slices.Concat(job[:], []byte{state})
	c := w.bucket(format.BucketByJobState).Cursor()
	for k, _ := c.Seek(prefix); hasPrefix(k, prefix) && len(ids) < limit; k, _ = c.Next() {
		id := format.RunKey(k[len(prefix):])
		if len(named) > 0 && id == named[0] {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// foldRuns lets one record of what did not run stand for older ones of its state, too, and removes
// these.
func (w *writer) foldRuns(
	job format.NameKey, state byte, older []format.RunKey, into format.RunKey, done *trimmed,
) error {
	target, err := w.run(into, true)
	if err != nil || target == nil {
		return err
	}
	runs, gone := make([]messages.Run, 0, len(older)), make([]endedRun, 0, len(older))
	for _, id := range older {
		run, err := w.run(id, false)
		if err != nil || run == nil {
			return err
		}
		kept, err := w.keeping(id)
		if err != nil {
			return err
		}
		runs = append(runs, *run)
		gone = append(gone, endedRun{id: id, job: job, state: state, kept: kept})
	}
	target.Fold(runs)
	kept, err := w.keeping(into)
	if err != nil {
		return err
	}
	if err := w.storeRun(into, target, &kept, w.taken(into, &kept)); err != nil {
		return err
	}
	return w.removeRuns(gone, done)
}

// giveUp removes records of what did not run while the history is full: each is folded into the
// next one under its name that ended in its state, where there is one.
func (w *writer) giveUp(runs []endedRun, done *trimmed) error {
	for i := range runs {
		run := &runs[i]
		list, err := w.runList(run.job)
		if err != nil {
			return err
		}
		if next, ok := list.after(run.id, run.state); ok {
			err = w.foldRuns(run.job, run.state, []format.RunKey{run.id}, next, done)
		} else {
			err = w.removeRuns(runs[i:i+1], done)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
