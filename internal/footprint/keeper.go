package footprint

import (
	"context"
	"time"
)

// The pace of Keeper.
const (
	// from Run to the first trim: the lazy parts of start-up have run by then
	startupDelay  = 3 * time.Second
	lookInterval  = time.Second // between two looks; one costs a few microseconds
	looksInWindow = 5           // load is judged over so many looks

	// from a round's end to giving back: what follows on it touches pages too
	settleDelay = 10 * time.Millisecond
)

// busyWork is the work in a window that counts as load: it has grown the heap by more than a trim
// costs to make up for. Less is idle chatter, such as a monitor that asks every few seconds.
const busyWork = 50

// afterglow is the number of quiet windows after which memory is given back once more: what load
// has started ends some seconds after it, such as the goroutines that a server keeps for its next
// clients.
const afterglow = 4

// shedFaults is the number of page faults since the last time after which shedding pays: each may
// have mapped 64 KiB of the executable.
const shedFaults = 32

// Keeper decides when to give memory back: all of it once start-up is over and after each time of
// load, and the executable's pages after each round of periodic work (a sample of the host's
// figures touches 3 MB of them, and leaves them resident for nothing).
type Keeper struct {
	// Activity counts up with each piece of work (requests served, runs started). It is called once
	// a second, from Run's goroutine.
	Activity func() uint64
	// Rounds says that a round of periodic work has just ended, so that what it touched is given
	// back at once and not at the next look; may be nil.
	Rounds <-chan struct{}

	// What a test replaces; nil: the package's own.
	trim, shed func()
	faults     func() uint64
}

// Run returns memory to the system until ctx ends.
func (k Keeper) Run(ctx context.Context) {
	if k.trim == nil {
		k.trim, k.shed, k.faults = Trim, Shed, pageFaults
	}
	if !pause(ctx, startupDelay) {
		return
	}
	k.trim()
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	work := k.Activity()
	w := watch{Keeper: k, lastWork: work, windowWork: work, lastFaults: k.faults()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look()
		case <-k.Rounds:
			pause(ctx, settleDelay)
			w.roundOver()
		}
	}
}

// watch is what Run knows.
type watch struct {
	Keeper
	lastWork   uint64 // at the last look
	windowWork uint64 // at the begin of the window
	looks      int    // in the window
	loaded     bool   // the last window was
	quiet      int    // windows since there was load; counted while one of them may trim again
	lastFaults uint64 // after memory was last given back
}

func (w *watch) look() {
	work := w.Activity()
	quiet := work == w.lastWork
	w.lastWork = work
	if w.looks++; w.looks == looksInWindow {
		w.endWindow(work)
	}
	if quiet && !w.loaded && w.faults()-w.lastFaults >= shedFaults {
		w.give(w.shed)
	}
}

// roundOver releases what a round of periodic work has touched, but while there is load: that would
// map it again at once.
func (w *watch) roundOver() {
	if !w.loaded && w.faults()-w.lastFaults >= shedFaults {
		w.give(w.shed)
	}
}

// endWindow notices load, and the end of it.
func (w *watch) endWindow(work uint64) {
	busy := work-w.windowWork >= busyWork
	switch {
	case busy:
		w.quiet = 0
	case w.loaded:
		w.give(w.trim)
		w.quiet = 1
	case w.quiet > 0:
		if w.quiet++; w.quiet > afterglow {
			w.give(w.trim)
			w.quiet = 0
		}
	}
	w.loaded, w.windowWork, w.looks = busy, work, 0
}

func (w *watch) give(back func()) {
	back()
	w.lastFaults = w.faults()
}

// pause waits for d, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
