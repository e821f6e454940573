// Package footprint keeps the resident memory of a process that is mostly idle as small as its work
// asks for.
//
// Most of what an idle Go daemon keeps resident is not its heap: it is pages of its own executable
// that start-up touched once (package initialisers, TLS and parser tables), and heap that a burst
// of load left behind, which the runtime gives back only over minutes. Trim gives both back, Shed
// the first alone, and Keeper decides when.
package footprint

import (
	"runtime/debug"
)

// gcPercent lets the heap grow by half between collections instead of doubling: on a live heap of a
// few megabytes that costs little time and saves as much memory as is live.
const gcPercent = 50

// heapGoal is where collections become more frequent whatever the limit is: only a flood brings the
// heap there, and then what it leaves behind is worth the processor's time.
const heapGoal = 40 << 20

// Configure sets the collector's pace and a soft limit on the memory that the Go runtime manages
// (see debug.SetMemoryLimit): near the limit, and near heapGoal, collections become more frequent,
// but no allocation fails. A limit of 0 or less is heapGoal alone. It may be called again at any
// time.
func Configure(limitBytes int64) {
	if limitBytes <= 0 {
		limitBytes = heapGoal
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(min(limitBytes, heapGoal))
}

// frugalPercent is the pace while a large answer is made row by row: what is live hardly changes
// meanwhile, and what is not needs no room.
const frugalPercent = 10

// Frugal makes the collector keep the heap close to what is live, at the price of processor time,
// until the function that it returns is called; that one gives the memory back, too. Two at a time
// would restore each other's pace: it is for work of which there is one at a time.
func Frugal() (restore func()) {
	Shed()
	before := debug.SetGCPercent(frugalPercent)
	return func() {
		debug.SetGCPercent(before)
		Trim()
	}
}
