package actors

import (
	"sync"
	"testing"
	"testing/synctest"
)

// TestWorkersAreUsedAgain: what comes after another has ended needs no goroutine of its own, and
// none is left when all is over, of which synctest sees to the latter.
func TestWorkersAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w workers
		for range 100 {
			ran := false
			w.Schedule(func() { ran = true })
			synctest.Wait()
			if !ran || len(w.idle) != 1 {
				t.Fatalf("ran: %v; %d goroutines wait, want the one", ran, len(w.idle))
			}
		}
		w.close()
	})
}

// TestWorkersKeepFew: many mailboxes at once are emptied at once, and few goroutines stay.
func TestWorkersKeepFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 20 * idleWorkers
		var w workers
		var together sync.WaitGroup
		together.Add(many)
		for range many {
			w.Schedule(func() { together.Done(); together.Wait() })
		}
		together.Wait()
		synctest.Wait()
		if len(w.idle) != idleWorkers {
			t.Errorf("%d goroutines wait, want %d", len(w.idle), idleWorkers)
		}
		w.close()
	})
}

// TestWorkersAfterTheirEnd: a mailbox that gets a last message is emptied still.
func TestWorkersAfterTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w workers
		w.close()
		ran := false
		w.Schedule(func() { ran = true })
		synctest.Wait()
		if !ran || len(w.idle) != 0 {
			t.Errorf("ran: %v; %d goroutines wait", ran, len(w.idle))
		}
	})
}
