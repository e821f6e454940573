package persistence

import (
	"slices"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
)

// recountedLists are the lists, as they were when the store was opened, whose rows do not say yet
// what ran: an earlier version wrote them. Trimming writes them one by one, and then the ledger
// says that all is counted.
type recountedLists map[format.NameKey]runList

// complete adds what is known of the list to one that was read from its row.
func (m recountedLists) complete(job format.NameKey, list *runList) {
	if known, ok := m[job]; ok && !list.counted {
		list.ran, list.apart, list.recent = known.ran, known.apart, known.recent
	}
}

// recountLists goes through the runs of all lists, in the order by job. What it returns are those
// in which something has not run.
func (r *reader) recountLists() (recountedLists, error) {
	lists := recountedLists{}
	var job format.NameKey
	var list runList
	c := r.bucket(format.BucketByJob).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) != format.NameKeyBytes+len(format.RunKey{}) || len(v) != 1 {
			return nil, format.DamagedRow(format.BucketByJob)
		}
		if format.NameKey(k[:format.NameKeyBytes]) != job {
			lists.Add(job, &list)
			job, list = format.NameKey(k[:format.NameKeyBytes]), runList{}
		}
		id := format.RunKey(k[format.NameKeyBytes:])
		kept, err := r.keepingOf(id, v[0])
		if err != nil {
			return nil, err
		}
		list.runs++
		list.recount(id, &kept)
	}
	lists.Add(job, &list)
	return lists, boltfile.ReleaseMap(r.tx)
}

func (m recountedLists) Add(job format.NameKey, list *runList) {
	if list.ran != list.runs {
		m[job] = *list
	}
}

// keepingOf returns what tells the class of a run whose state is known. It reads the run only where
// the state alone does not tell.
func (r *reader) keepingOf(id format.RunKey, state byte) (runKeeping, error) {
	kept := runKeeping{state: state}
	if kept.class() != classApart || isNeverBegun(state) {
		return kept, nil
	}
	return r.keeping(id)
}

// recount is enter for a run that is newer than all before. The list names only as many as may
// stay, so that it is short whatever an earlier version has left.
func (l *runList) recount(id format.RunKey, k *runKeeping) {
	l.enter(id, k)
	if k.class() != classApart {
		return
	}
	if named := l.recentIn(k.state); uint64(len(named)) > l.keptApart()+1 {
		at, _ := l.find(named[0])
		l.recent = slices.Delete(l.recent, at, at+1)
		if !isNeverBegun(k.state) {
			l.apart, l.ran = l.apart-1, l.ran+1
		}
	}
}
