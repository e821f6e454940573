package hostclock

import (
	"time"

	"golang.org/x/sys/windows"
)

// SinceBoot returns the time since the host booted, suspensions included, in steps of about 15 ms.
func SinceBoot() time.Duration { return windows.DurationSinceBoot() }
