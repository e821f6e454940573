package cron

import "time"

// naive is a second evaluator, written straight from the rules and as simply as possible: it walks
// second by second.
type naive struct {
	seconds, minutes, hours, doms, months, dows map[int]bool // Sunday is 0
	years                                       map[int]bool // nil: all
	either                                      bool         // the days are ORed
}

// matches reports whether the fields hold the time that a clock shows.
func (n *naive) matches(clock time.Time) bool {
	dom, dow := n.doms[clock.Day()], n.dows[int(clock.Weekday())]
	day := dom && dow
	if n.either {
		day = dom || dow
	}
	return day && n.seconds[clock.Second()] && n.minutes[clock.Minute()] && n.hours[clock.Hour()] &&
		n.months[int(clock.Month())] && (n.years == nil || n.years[clock.Year()])
}

// foldReach is how long before a window a clock that goes back in it may have shown the same times.
const foldReach = 26 * 60 * 60

// firings returns the instants after from, up to until, at which the expression fires.
func (n *naive) firings(from, until int64, loc *time.Location) []int64 {
	var fired []int64
	begin := from - foldReach
	shown := make([]bool, until-begin+4*foldReach) // local seconds that the clock has shown
	before := begin - 1 + offsetAt(begin-1, loc)   // what it showed a second ago
	base := before - foldReach
	for at := begin; at <= until; at++ {
		local := at + offsetAt(at, loc)
		if n.fires(before, local, shown[local-base]) && at > from {
			fired = append(fired, at)
		}
		shown[local-base] = true
		before = local
	}
	return fired
}

// fires reports whether the expression fires when the clock goes from one local second to another.
func (n *naive) fires(before, local int64, shownBefore bool) bool {
	if len(n.hours) == 24 {
		return n.matchesLocal(local)
	}
	for omitted := before + 1; omitted < local; omitted++ {
		if n.matchesLocal(omitted) {
			return true
		}
	}
	return !shownBefore && n.matchesLocal(local)
}

func (n *naive) matchesLocal(local int64) bool {
	if !n.seconds[int(floorMod(local, 60))] { // obviously right, and quick
		return false
	}
	return n.matches(time.Unix(local, 0).UTC())
}

func offsetAt(at int64, loc *time.Location) int64 {
	_, offset := time.Unix(at, 0).In(loc).Zone()
	return int64(offset)
}

// firstDay walks day by day, for dates that are far apart, and returns the first matching day from
// the given one on to the end of a year.
func (n *naive) firstDay(from time.Time, endYear int) (day time.Time, ok bool) {
	for day = from; day.Year() <= endYear; day = day.AddDate(0, 0, 1) {
		all := *n
		all.seconds, all.minutes, all.hours = map[int]bool{0: true}, map[int]bool{
			0: true,
		}, map[int]bool{0: true}
		if all.matches(day) {
			return day, true
		}
	}
	return time.Time{}, false
}
