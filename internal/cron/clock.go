package cron

import "time"

// From local seconds to instants, in a zone whose clocks change. Instants are Unix seconds; a local
// second is an instant plus the offset in force at that instant.

const (
	// maxOffset bounds, in seconds, how far a local clock is from UTC. Real ones stay within 16
	// hours.
	maxOffset = 24 * 60 * 60
	// maxTurn bounds how far a clock that changes goes back or forth: Apia left out a whole day in
	// 2011.
	maxTurn = 2 * maxOffset
)

// span is a stretch of time with one offset: the instants from start to before end.
type span struct {
	start, end int64
	offset     int64
}

// Where a span has no start or no end.
const (
	always  = -1 << 62
	forever = 1 << 62
)

// spanAt returns the span that an instant lies in.
func spanAt(instant int64, loc *time.Location) span {
	if loc == time.UTC {
		return span{start: always, end: forever}
	}
	t := time.Unix(instant, 0).In(loc)
	_, offset := t.Zone()
	s := span{start: always, end: forever, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	if s.end <= instant {
		// Go ends what it works out by rule after 365 days, so that on 31 December of a leap year
		// it has ended already
		s.end = instant - floorMod(instant, secondsPerDay) + secondsPerDay
	}
	return s
}

// reachOrPass returns the first instant after the given one at which the clock first reaches or
// passes a matching local second: one firing for all that a gap leaves out, none in the second pass
// of a fold.
func (s *Schedule) reachOrPass(after int64, loc *time.Location) (int64, bool) {
	target, ok := s.nextLocal(furthest(after, loc) + 1)
	if !ok {
		return 0, false
	}
	at := max(after+1, target-maxOffset) // the clock can't show target before
	for {
		now := spanAt(at, loc)
		at = max(at, target-now.offset)
		if at < now.end {
			return at, true
		}
		at = now.end
	}
}

// furthest returns the latest local second that the clock has shown up to an instant: more than it
// shows now, where it was put back.
func furthest(instant int64, loc *time.Location) int64 {
	now := spanAt(instant, loc)
	local := instant + now.offset
	for now.start > instant-maxTurn {
		at := now.start - 1
		now = spanAt(at, loc)
		local = max(local, at+now.offset)
	}
	return local
}

// followClock returns the first instant after the given one at which the clock shows a matching
// local second.
func (s *Schedule) followClock(after int64, loc *time.Location) (int64, bool) {
	at := after + 1
	for {
		now := spanAt(at, loc)
		local := at + now.offset
		target, ok := s.nextLocal(local)
		switch {
		case ok && target-now.offset < now.end:
			return target - now.offset, true
		case now.end-at < maxTurn: // the clock may go back to before local
			at = now.end
		case !ok:
			return 0, false
		default: // nothing between local and target, wherever the clock goes
			at = max(now.end, target-maxOffset)
		}
	}
}
