package api

import (
	"net/netip"
	"sync"
	"time"
)

// maxBuckets bounds what the throttle remembers. Whoever tries many names to be forgotten is held
// by the bucket of all.
const maxBuckets = 1024

// throttle counts failed logins in token buckets: one for each user name (whether it exists or
// not), one for each address, one for all. An attempt takes a token of each before anything is
// computed, and gives them back when it succeeds. Credentials that are known do not come here.
type throttle struct {
	user, address, all Rate

	mu      sync.Mutex
	buckets map[bucketKey]bucket
}

// bucketKey names a bucket: by user, by address, or by nothing.
type bucketKey struct {
	user string
	from netip.Addr
}

// bucket holds tokens as they were at a time; they grow since.
type bucket struct {
	tokens float64
	at     time.Time
}

func newThrottle(limits Limits) *throttle {
	return &throttle{
		user: limits.FailuresPerUser, address: limits.FailuresPerAddress, all: limits.FailuresInAll,
		buckets: make(map[bucketKey]bucket),
	}
}

// share is one bucket that an attempt takes from.
type share struct {
	key  bucketKey
	rate Rate
}

// shares returns the buckets of an attempt. An address that is not known has none.
func (t *throttle) shares(user string, from netip.Addr) []share {
	shares := []share{{bucketKey{user: user}, t.user}, {bucketKey{}, t.all}}
	if from.IsValid() {
		shares = append(shares, share{bucketKey{from: from}, t.address})
	}
	return shares
}

// take takes a token of each bucket, or none and says how long to wait.
func (t *throttle) take(user string, from netip.Addr, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares := t.shares(user, from)
	for _, s := range shares {
		wait = max(wait, s.rate.wait(t.level(s, now)))
	}
	if wait > 0 {
		return wait
	}
	for _, s := range shares {
		t.put(s.key, bucket{t.level(s, now) - 1, now})
	}
	return 0
}

// wait is the time until a bucket of that level has a whole token.
func (r Rate) wait(level float64) time.Duration {
	if level >= 1 {
		return 0
	}
	return max(time.Duration((1-level)*float64(r.Refill)), time.Millisecond)
}

// level returns a bucket's tokens at now.
func (t *throttle) level(s share, now time.Time) float64 {
	b, ok := t.buckets[s.key]
	if !ok {
		return float64(s.rate.Burst)
	}
	grown := max(now.Sub(b.at), 0).Seconds() / s.rate.Refill.Seconds()
	return min(b.tokens+grown, float64(s.rate.Burst))
}

// giveBack undoes a take.
func (t *throttle) giveBack(user string, from netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refund(t.shares(user, from), now)
}

func (t *throttle) refund(shares []share, now time.Time) {
	for _, s := range shares {
		level := min(t.level(s, now)+1, float64(s.rate.Burst))
		if level >= float64(s.rate.Burst) {
			delete(t.buckets, s.key) // full is what a bucket is that nobody has seen
			continue
		}
		t.put(s.key, bucket{level, now})
	}
}

// put stores a bucket; where there are too many, any others but that of all go.
func (t *throttle) put(key bucketKey, b bucket) {
	if _, ok := t.buckets[key]; !ok && len(t.buckets) >= maxBuckets {
		for old := range t.buckets {
			if len(t.buckets) < maxBuckets*3/4 {
				break
			}
			if old != (bucketKey{}) {
				delete(t.buckets, old)
			}
		}
	}
	t.buckets[key] = b
}
