package footprint

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// agent is what a Keeper looks after, inside a synctest bubble.
type agent struct {
	work, faults, trims, sheds atomic.Uint64

	rounds chan struct{}
}

func (a *agent) start(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	keeper := Keeper{
		Activity: a.work.Load, Rounds: a.rounds, faults: a.faults.Load,
		trim: func() { a.trims.Add(1) }, shed: func() { a.sheds.Add(1) },
	}
	go func() { defer close(done); keeper.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

// pass lets seconds go by with so much work and so many page faults in each.
func (a *agent) pass(seconds int, work, faults uint64) {
	for range seconds {
		a.work.Add(work)
		a.faults.Add(faults)
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
	}
}

func (a *agent) expect(t *testing.T, when string, trims, sheds uint64) {
	t.Helper()
	if a.trims.Load() != trims || a.sheds.Load() != sheds {
		t.Errorf("%s: %d trims and %d sheds, want %d and %d", when, a.trims.Load(), a.sheds.Load(),
			trims, sheds)
	}
}

func TestKeeperTrimsOnceAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		a.start(t)
		a.pass(2, 0, 100)
		a.expect(t, "during start-up", 0, 0)
		a.pass(2, 0, 0)
		a.expect(t, "after start-up", 1, 0)
		a.pass(3600, 0, 0)
		a.expect(t, "after an idle hour", 1, 0)
	})
}

func TestKeeperShedsAfterPeriodicWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		a.start(t)
		a.pass(10, 0, 0)
		for sample := range uint64(6) {
			a.pass(1, 0, 80)
			a.pass(9, 0, 1) // by the looks themselves
			a.expect(t, "after a sample", 1, sample+1)
		}
		a.pass(100, 1, 80) // a monitor that asks every second would only be slowed
		a.expect(t, "while asked every second", 1, 6)
		a.pass(2, 0, 0)
		a.expect(t, "when no longer asked", 1, 7)
	})
}

func TestKeeperShedsWhenARoundEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := agent{rounds: make(chan struct{})}
		a.start(t)
		a.pass(10, 0, 0)
		a.faults.Add(80)
		a.rounds <- struct{}{}
		time.Sleep(settleDelay) // of the bubble's clock
		synctest.Wait()
		a.expect(t, "right after the round", 1, 1)
		a.rounds <- struct{}{}
		time.Sleep(settleDelay) // of the bubble's clock
		synctest.Wait()
		a.expect(t, "after a round that touched nothing", 1, 1)
		a.pass(10, busyWork, 80)
		a.rounds <- struct{}{}
		time.Sleep(settleDelay) // of the bubble's clock
		synctest.Wait()
		a.expect(t, "after a round under load", 1, 1)
	})
}

func TestKeeperTrimsWhenLoadHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		a.start(t)
		a.pass(60, 0, 0)
		for load := range uint64(3) {
			a.pass(30, 1000, 1000)
			a.expect(t, "under load", load+1, 0)
			a.pass(10, 0, 0)
			a.expect(t, "once load has gone", load+2, 0)
		}
		a.pass(10, 0, 0)
		a.expect(t, "before what it has started has ended", 4, 0)
		a.pass(10, 0, 0)
		a.expect(t, "when that has ended, too", 5, 0)
		a.pass(3600, 0, 0)
		a.expect(t, "after an idle hour", 5, 0)
	})
}

func TestConfigureCanBeCalledAgain(t *testing.T) {
	percent, limit := debug.SetGCPercent(gcPercent), debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	for _, step := range []struct{ limit, want int64 }{
		{100 << 20, heapGoal}, {20 << 20, 20 << 20}, {0, heapGoal},
	} {
		Configure(step.limit)
		if got := debug.SetMemoryLimit(-1); got != step.want {
			t.Errorf("limit %d after Configure(%d)", got, step.limit)
		}
	}
	if got := debug.SetGCPercent(gcPercent); got != gcPercent {
		t.Errorf("GC percent %d, want %d", got, gcPercent)
	}
}
