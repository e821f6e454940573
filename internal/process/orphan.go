package process

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Orphan is a run of an agent that ended without waiting for it.
type Orphan struct {
	Mark       string // of the Spec
	PID        int    // of the main process
	StartTicks uint64 // of the main process, as Process.StartTicks gave it; 0: unknown
	// StartedAt is Process.StartedAt. A run from before the last boot of the host has no processes,
	// though another one may have its number and its clock ticks since boot. Zero: not checked.
	StartedAt time.Time
}

// CountOrphans says how many of the runs still have a living process, and touches none.
//
// A run is found by its cgroup, which bears its mark and is below the directory of an agent that is
// dead. Where there is none, its processes are found by its limit (see limitMark), where the
// earlier agent marked it so, and by its main process: the number must be alive with the start time
// that was recorded. If that is so, the processes of its cgroup namespace, or else of its process
// group and below it, belong to it too. If only a part of the tree outlived the main process, and
// there is neither cgroup nor limit, that part is not found: nothing would prove whose it is.
func (h *Host) CountOrphans(ctx context.Context, orphans []Orphan) (found int, err error) {
	for _, o := range orphans {
		if ctx.Err() != nil {
			return found, context.Cause(ctx)
		}
		if h.findOrphan(o).left() > 0 {
			found++
		}
	}
	return found, nil
}

// EndOrphans kills what CountOrphans would count, and waits for its end, 10 s for each run at most.
// Found counts the runs, also those of which err says that they did not end.
func (h *Host) EndOrphans(ctx context.Context, orphans []Orphan) (found int, err error) {
	for _, o := range orphans {
		if ctx.Err() != nil {
			return found, errors.Join(err, context.Cause(ctx))
		}
		tree := h.findOrphan(o)
		if tree.left() == 0 {
			tree.remove()
			continue
		}
		found++
		err = errors.Join(err, endOrphan(ctx, o, tree))
		tree.remove()
	}
	return found, err
}

// orphanTree is what is left of a run.
type orphanTree interface {
	left() int
	kill() error
	remove()
}

func endOrphan(ctx context.Context, o Orphan, tree orphanTree) error {
	deadline := time.Now().Add(endLimit)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := tree.kill()
		left := tree.left()
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%d processes of run %s (main process %d) could not be "+
				"ended", left, o.Mark, o.PID), err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
