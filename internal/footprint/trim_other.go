//go:build !linux

package footprint

import "runtime/debug"

// Trim returns unused heap to the system. What of the executable is resident is the system's own
// business here: Windows trims the working set of idle processes by itself.
func Trim() { debug.FreeOSMemory() }

// Shed does nothing here, and so no page fault is counted as a reason for it.
func Shed() {}

func pageFaults() uint64 { return 0 }
