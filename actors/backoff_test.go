package actors

import (
	"testing"
	"time"
)

// Delays double up to the bound, half of each at random, and are never shorter than the server asks
// for; those who are asked at the same time do not come back at the same time.
func TestBackoff(t *testing.T) {
	for _, asked := range []time.Duration{0, 20 * time.Second, 2 * maxRetryAfter} {
		seen := map[time.Duration]bool{}
		for range 20 {
			var b backoff
			for want := firstDelay; ; want = min(2*want, longestDelay) {
				least := max(want/2, min(asked, maxRetryAfter))
				got := b.next(asked)
				if got < least || got > least+want/2 {
					t.Errorf("asked for %s, failure %d is followed by %s", asked, b.failures, got)
				}
				if want == longestDelay {
					seen[got] = true
					break
				}
			}
		}
		if len(seen) < 10 {
			t.Errorf("asked for %s, there are %d delays of 20", asked, len(seen))
		}
	}
}
