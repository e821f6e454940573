package hostclock

import (
	"time"

	"golang.org/x/sys/unix"
)

// SinceBoot returns the time since the host booted, suspensions included.
func SinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // every kernel since 2.6.39 has it
	}
	return time.Duration(t.Nano())
}
