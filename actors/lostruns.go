package actors

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gusty/messages"
)

// lostRuns counts the runs whose records are lost, by job and by how they ended. Of each kind the
// last one stands for all.
type lostRuns struct {
	kinds map[lostKind]*lostRun
	total uint64
}

type lostKind struct {
	name  string
	kind  messages.RunKind
	state messages.RunState
}

type lostRun struct {
	last  messages.Run
	count int
	first time.Time // when the first one ended
}

func (l *lostRuns) add(run *messages.Run) {
	if l.kinds == nil {
		l.kinds = map[lostKind]*lostRun{}
	}
	kind := lostKind{run.ScriptName, run.Kind, run.State}
	lost := l.kinds[kind]
	if lost == nil {
		lost = &lostRun{first: run.EndedAt}
		l.kinds[kind] = lost
	}
	lost.last = withoutOutput(*run)
	lost.count++
	l.total++
}

// take returns a record for each kind, in order of time, and begins anew.
func (l *lostRuns) take() []messages.Run {
	runs := make([]messages.Run, 0, len(l.kinds))
	for _, lost := range l.kinds {
		runs = append(runs, lost.record())
	}
	slices.SortFunc(runs, func(a, b messages.Run) int { return cmp.Compare(a.ID, b.ID) })
	l.kinds = nil
	return runs
}

func (l *lostRun) record() messages.Run {
	run := l.last
	if l.count > 1 {
		run.Count = l.count
		run.Reason = joined(run.Reason, fmt.Sprintf("%d runs of this job ended so between %s and "+
			"%s while the storage took no writes; their records were lost, "+
			"but for this one, the last", l.count, stamp(l.first), stamp(run.EndedAt)))
	}
	return run
}
