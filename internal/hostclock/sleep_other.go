//go:build !linux

package hostclock

import "time"

// Sleep is time.Sleep here.
func Sleep(d time.Duration) { time.Sleep(d) }
