package cron

// The search on the local clock, seen as a line of seconds on which no clock changes exist: second
// 0 is 1970-01-01 00:00:00 on that clock.

const (
	secondsPerDay = 24 * 60 * 60
	maxYear       = 9999 // of an expression without a year field: RFC 3339 ends there
	// years, from one 29 February on a given weekday to the next, with 2100 between
	longestWait = 40
)

// nextLocal returns the first matching local second that is not before from.
func (s *Schedule) nextLocal(from int64) (int64, bool) {
	secondOfDay := floorMod(from, secondsPerDay)
	today := (from - secondOfDay) / secondsPerDay
	day, ok := s.nextDay(today)
	if ok && day == today {
		if t, ok := s.nextTime(int(secondOfDay)); ok {
			return day*secondsPerDay + int64(t), true
		}
		day, ok = s.nextDay(today + 1)
	}
	return day*secondsPerDay + int64(s.firstTime(s.hours)), ok
}

// nextTime returns the first matching second of a day that is not before from.
func (s *Schedule) nextTime(from int) (int, bool) {
	hour, minute, second := from/3600, from/60%60, from%60
	if firstFrom(uint64(s.hours), hour) == hour {
		m := firstFrom(s.minutes, minute)
		if m == minute {
			if second = firstFrom(s.seconds, second); second < none {
				return (hour*60+minute)*60 + second, true
			}
			m = firstFrom(s.minutes, minute+1)
		}
		if m < none {
			return (hour*60+m)*60 + firstFrom(s.seconds, 0), true
		}
	}
	later := s.hours >> (hour + 1) << (hour + 1)
	return s.firstTime(later), later != 0
}

// firstTime returns the first matching second of a day in one of the given hours.
func (s *Schedule) firstTime(hours uint32) int {
	return (firstFrom(uint64(hours), 0)*60+firstFrom(s.minutes, 0))*60 + firstFrom(s.seconds, 0)
}

// nextDay returns the first matching day that is not before from; days count from 1970-01-01.
func (s *Schedule) nextDay(from int64) (int64, bool) {
	year, month, day := dateOf(from)
	for y := s.nextYear(year); y <= s.finalYear(year); y = s.nextYear(y + 1) {
		if y > year {
			month, day = 1, 1
		}
		for m := firstFrom(uint64(s.months), month); m < none; m = firstFrom(uint64(s.months), m+
			1) {
			if m > month {
				day = 1
			}
			first := dayNumber(y, m)
			if d := firstFrom(s.daysOf(first, daysIn(y, m)), day); d < none {
				return first + int64(d) - 1, true
			}
		}
	}
	return 0, false
}

func (s *Schedule) nextYear(from int) int {
	if s.has(anyYear) {
		return from
	}
	return s.years.firstFrom(from)
}

// finalYear is the last year worth a look in a search that begins in the given one.
func (s *Schedule) finalYear(from int) int {
	if s.has(anyYear) {
		return min(from+longestWait, maxYear)
	}
	return lastYear
}

// daysOf returns the matching days of a month as bits 1 to 31, from the number of its first day and
// its length.
func (s *Schedule) daysOf(first int64, length int) uint64 {
	const everyWeek = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28 | 1<<35
	weekdays := uint64(s.dows) * everyWeek >> weekdayOf(first) << 1
	month := uint64(1)<<(length+1) - 2
	if s.has(eitherDay) {
		return (uint64(s.doms) | weekdays) & month
	}
	return uint64(s.doms) & weekdays & month
}
