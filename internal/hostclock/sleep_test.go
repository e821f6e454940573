package hostclock

import (
	"testing"
	"time"
)

func TestSleepIsNeverShort(t *testing.T) {
	for _, d := range []time.Duration{
		-time.Second, 0, 100 * time.Microsecond,
		1500 * time.Microsecond,
	} {
		begun := time.Now()
		Sleep(d)
		if slept := time.Since(begun); slept < d || slept > d.Abs()+10*time.Second {
			t.Errorf("asked for %s, it slept %s", d, slept)
		}
	}
}
