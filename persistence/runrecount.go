package persistence

import "slices"

// recountedLists are the lists, as they were when the store was opened, whose rows do not say yet
// what ran: an earlier version wrote them. Trimming writes them one by one, and then the ledger
// says that all is counted.
type recountedLists map[nameKey]runList

// complete adds what is known of the list to one that was read from its row.
func (m recountedLists) complete(job nameKey, list *runList) {
	if known, ok := m[job]; ok && !list.counted {
		list.ran, list.apart, list.recent = known.ran, known.apart, known.recent
	}
}

// recountLists goes through the runs of all lists, in the order by job. What it returns are those
// in which something has not run.
func (r *reader) recountLists() (recountedLists, error) {
	lists := recountedLists{}
	var job nameKey
	var list runList
	c := r.bucket(bucketByJob).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) != nameKeyBytes+len(runKey{}) || len(v) != 1 {
			return nil, damagedRow(bucketByJob)
		}
		if nameKey(k[:nameKeyBytes]) != job {
			lists.add(job, &list)
			job, list = nameKey(k[:nameKeyBytes]), runList{}
		}
		id := runKey(k[nameKeyBytes:])
		kept, err := r.keepingOf(id, v[0])
		if err != nil {
			return nil, err
		}
		list.runs++
		list.recount(id, &kept)
	}
	lists.add(job, &list)
	return lists, releaseMap(r.tx)
}

func (m recountedLists) add(job nameKey, list *runList) {
	if list.ran != list.runs {
		m[job] = *list
	}
}

// keepingOf returns what tells the class of a run whose state is known. It reads the run only where
// the state alone does not tell.
func (r *reader) keepingOf(id runKey, state byte) (runKeeping, error) {
	kept := runKeeping{state: state}
	if kept.class() != classApart || isNeverBegun(state) {
		return kept, nil
	}
	return r.keeping(id)
}

// recount is enter for a run that is newer than all before. The list names only as many as may
// stay, so that it is short whatever an earlier version has left.
func (l *runList) recount(id runKey, k *runKeeping) {
	l.enter(id, k)
	if k.class() != classApart {
		return
	}
	if named := l.recentIn(k.state); len(named) > keptApart+1 {
		at, _ := l.find(named[0])
		l.recent = slices.Delete(l.recent, at, at+1)
		if !isNeverBegun(k.state) {
			l.apart, l.ran = l.apart-1, l.ran+1
		}
	}
}
