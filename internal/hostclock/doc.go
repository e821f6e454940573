// Package hostclock tells what happened to the host's clocks between two looks at them.
//
// A host has three that matter here: the wall clock, which people and time servers set; the time
// since boot, which nobody sets; and the time that the host was awake, which stands still while it
// is suspended. A wall clock that went further than the time since boot was set; a time since boot
// that went further than the time awake was a suspension. (Linux: CLOCK_REALTIME, CLOCK_BOOTTIME,
// CLOCK_MONOTONIC, clock_gettime(2).)
package hostclock
