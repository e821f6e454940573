package hostclock

import "time"

// Watch compares the clocks between looks, which one goroutine takes.
type Watch struct {
	base  time.Time // awake is counted from here
	since func() time.Duration
	last  Reading
}

// Reading is what the clocks show at one moment.
type Reading struct {
	Wall  time.Time     // without a monotonic reading
	Boot  time.Duration // since an arbitrary moment, suspensions included
	Awake time.Duration // since an arbitrary moment, suspensions left out
}

// Change is what happened between two looks.
type Change struct {
	From, To time.Time     // by the wall clock
	Awake    time.Duration // how long the host was awake between them
	// how far the wall clock was set, forward or, below zero, back; a time server's slow
	// corrections add up here, too
	Set       time.Duration
	Suspended time.Duration
}

// NewWatch takes the first look. sinceBoot gives the time since boot, as SinceBoot does; nil:
// suspensions cannot be told and count as the clock being set.
func NewWatch(sinceBoot func() time.Duration) *Watch {
	w := &Watch{base: time.Now(), since: sinceBoot}
	w.last = w.Read(w.base)
	return w
}

// Look says what happened since the last look. now is time.Now().
func (w *Watch) Look(now time.Time) Change {
	before := w.last
	w.last = w.Read(now)
	return Between(before, w.last)
}

// Read reads the clocks, and is no look: several goroutines may call it. now is time.Now().
func (w *Watch) Read(now time.Time) Reading {
	r := Reading{Wall: now.Round(0), Awake: now.Sub(w.base)}
	r.Boot = r.Awake
	if w.since != nil {
		r.Boot = w.since()
	}
	return r
}

// Between says what happened between two readings of one watch.
func Between(before, after Reading) Change {
	awake, boot := after.Awake-before.Awake, after.Boot-before.Boot
	return Change{
		From: before.Wall, To: after.Wall, Awake: awake,
		Set: after.Wall.Sub(before.Wall) - boot, Suspended: max(0, boot-awake),
	}
}
