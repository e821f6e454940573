package actors

import (
	"math/rand/v2"
	"time"
)

// The pace of shipping to a cluster that takes nothing.
const (
	firstDelay    = time.Second
	longestDelay  = 30 * time.Second
	deniedPause   = 5 * time.Minute
	maxRetryAfter = time.Hour // a server may ask for more; nobody would know why nothing comes
)

// backoff doubles a delay at each failure, up to a bound.
type backoff struct {
	delay    time.Duration
	failures int
}

// next gives the delay after one more failure: half of it is random, so that a fleet does not come back as one; no less than
// the server asks for.
func (b *backoff) next(asked time.Duration) time.Duration {
	b.failures++
	b.delay = min(max(2*b.delay, firstDelay), longestDelay)
	jitter := rand.N(b.delay/2 + 1)
	return max(b.delay/2, min(asked, maxRetryAfter)) + jitter
}

// heldIndex is an index that took nothing, or not all, when it was last tried.
type heldIndex struct {
	backoff
	from    uint64 // the lowest sequence that waits for it; 0: it is being tried again
	until   time.Time
	blocked bool // none of its documents was taken: the others need not be tried until then
	reason  string
}
