package hostclock

import (
	"time"

	"golang.org/x/sys/windows"
)

// SinceBoot gives the time since the host booted, suspensions included, in steps of about 15 ms.
func SinceBoot() time.Duration { return windows.DurationSinceBoot() }
