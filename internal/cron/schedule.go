package cron

import "time"

// Schedule is a parsed expression. It is never changed after Parse, so it may be shared between
// goroutines and between jobs.
type Schedule struct {
	seconds uint64        // bit n: second n
	minutes uint64        // bit n: minute n
	hours   uint32        // bit n: hour n
	doms    uint32        // bit n: day n of the month
	years   yearSet       // years 1970 to 2100; unused with anyYear
	every   time.Duration // the distance of @every, else 0
	months  uint16        // bit n: month n
	dows    uint8         // bit n: weekday n, Sunday is 0
	traits  trait
}

// trait is what an expression is, apart from its sets.
type trait uint8

const (
	eitherDay trait = 1 << iota // a day matches by either day field, not by both
	anyYear                     // not bound to the years of a year field
	everyHour                   // follows the clock where clocks change
	neverDue                    // no date of any year matches
	onReboot                    // @reboot
)

func (s *Schedule) has(t trait) bool { return s.traits&t != 0 }

// IsReboot reports whether the expression is @reboot: it fires once for each boot of the host, and
// has no time at which Next could see it.
func (s *Schedule) IsReboot() bool { return s.has(onReboot) }

// IsEvery reports whether the expression is @every.
func (s *Schedule) IsEvery() bool { return s.every != 0 }

// Every is the distance between two firings of an @every, in whole seconds and at least one; 0 for
// any other expression.
func (s *Schedule) Every() time.Duration { return s.every }

// Never reports whether the expression names dates that are in no calendar, like 30 February. One
// whose years have passed is not meant: whether an expression still fires is told by a zero
// NextAfter. @reboot is never "never".
func (s *Schedule) Never() bool { return s.has(neverDue) }

// lastInstant is the last second of the year 9999 in UTC, after which nothing fires: RFC 3339, in
// which times are shown, ends there.
const lastInstant = 253402300799

// Next returns the first firing strictly after the given time, on the clock of its location, or the
// zero time where there is none. An @every counts from the given time. It is robfig's Schedule
// interface; where an anchor is known, use NextAfter.
func (s *Schedule) Next(after time.Time) time.Time {
	return s.NextAfter(after, after, after.Location())
}

// NextAfter returns the first firing strictly after the given time, in loc, or the zero time where
// there is none. All firings are on whole seconds. The anchor is what @every counts from, in both
// directions and with its fraction of a second cut off, so that a clock that was set back does not
// silence it; other expressions ignore it.
func (s *Schedule) NextAfter(after, anchor time.Time, loc *time.Location) time.Time {
	unix, ok := int64(0), false
	switch {
	case s.has(onReboot | neverDue):
	case s.IsEvery():
		unix, ok = nextMultiple(after.Unix(), anchor.Unix(), int64(s.every/time.Second)), true
	case s.has(everyHour):
		unix, ok = s.followClock(after.Unix(), loc)
	default:
		unix, ok = s.reachOrPass(after.Unix(), loc)
	}
	if !ok || unix > lastInstant {
		return time.Time{}
	}
	return time.Unix(unix, 0).In(loc)
}

// nextMultiple returns the first anchor + k*step after the given second, for any whole k.
func nextMultiple(after, anchor, step int64) int64 {
	return after + step - floorMod(after-anchor, step)
}
