package actors

import (
	"math/rand/v2"
	"time"
)

// The pace of shipping to a cluster that takes nothing.
const (
	firstDelay    = time.Second
	crowdedPause  = 500 * time.Millisecond
	longestDelay  = 30 * time.Second
	deniedPause   = 5 * time.Minute
	maxRetryAfter = time.Hour // a server may ask for more; nobody would know why nothing comes
)

// backoff doubles a delay at each failure, up to a bound.
type backoff struct {
	delay    time.Duration
	failures int
}

// next returns the delay after one more failure: half of it is random, so that a fleet does not
// come back as one; no less than the server asks for.
func (b *backoff) next(asked time.Duration) time.Duration {
	b.failures++
	b.delay = min(max(2*b.delay, firstDelay), longestDelay)
	jitter := rand.N(b.delay/2 + 1)
	return max(b.delay/2, min(asked, maxRetryAfter)) + jitter
}

// shortPause is for a server that takes some of what it gets: half of it is random, and no less
// than it asks for.
func shortPause(asked time.Duration) time.Duration {
	return max(crowdedPause/2, min(asked, maxRetryAfter)) + rand.N(crowdedPause/2+1)
}

// heldIndex is an index that took nothing, or not all, when it was last tried.
type heldIndex struct {
	backoff
	from    uint64 // the lowest sequence that waits for it; 0: it is being tried again
	until   time.Time
	asked   time.Time // no sooner, says the server
	blocked bool      // none of its documents was taken: the others need not be tried until then
	stalled bool      // its shards are not there: it is tried again apart from the others
	probed  bool      // that is under way
	reason  string
}

// soon reports whether an index may be tried again when another one is.
func (h *heldIndex) soon(now time.Time) bool {
	return h.from > 0 && !h.probed && !now.Before(h.asked) &&
		h.until.Before(now.Add(min(h.delay, longestDelay/2)))
}
