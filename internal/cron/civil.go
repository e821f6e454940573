package cron

// Dates of the Gregorian calendar and day numbers; day 0 is 1970-01-01. The arithmetic is that of
// Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms", which counts years from 1 March
// so that the leap day comes last: it costs a few nanoseconds and no time.Time.

const (
	daysPerEra  = 146097 // 400 years
	yearsPerEra = 400
	epochOffset = 719468 // days from 0000-03-01 to 1970-01-01
)

// dateOf returns the date of a day number.
func dateOf(number int64) (year, month, day int) {
	number += epochOffset
	dayOfEra := floorMod(number, daysPerEra)
	era := (number - dayOfEra) / daysPerEra
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	monthFromMarch := (5*dayOfYear + 2) / 153
	day = int(dayOfYear-(153*monthFromMarch+2)/5) + 1
	month = int(monthFromMarch+2)%12 + 1
	year = int(era*yearsPerEra + yearOfEra)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// dayNumber returns the number of the first day of a month.
func dayNumber(year, month int) int64 {
	if month <= 2 {
		year--
	}
	yearOfEra := floorMod(int64(year), yearsPerEra)
	era := (int64(year) - yearOfEra) / yearsPerEra
	dayOfYear := (153*((int64(month)+9)%12) + 2) / 5
	return era*daysPerEra + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - epochOffset
}

// weekdayOf returns the weekday of a day number, 0 for Sunday. 1970-01-01 was a Thursday.
func weekdayOf(number int64) int {
	return int(floorMod(number+4, 7))
}

// daysIn returns the number of days of a month.
func daysIn(year, month int) int {
	switch {
	case month == 2 && (year%4 != 0 || year%100 == 0 && year%400 != 0):
		return 28
	case month == 2:
		return 29
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// floorMod is the remainder that is never negative; b is positive.
func floorMod(a, b int64) int64 {
	r := a % b
	if r < 0 {
		r += b
	}
	return r
}
