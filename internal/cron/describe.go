package cron

import (
	"strconv"
	"strings"
	"time"
)

// Describe says in English when the expression fires, on the local clock: "at 02:30 on Monday". Two expressions that differ in a time of
// theirs differ in their descriptions.
func (s *Schedule) Describe() string {
	switch {
	case s.IsReboot():
		return "once after each boot of the host"
	case s.IsEvery():
		return "every " + describeDuration(s.every)
	case s.Never():
		return s.describeTime() + s.describeDate() + " (never: there is no such date)"
	}
	return s.describeTime() + s.describeDate()
}

// describeDuration shows whole seconds in units that have one length: "2 hours 30 minutes", "minute".
func describeDuration(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	var words []string
	for _, u := range units {
		if d == u.size && words == nil {
			return u.name
		}
		if n := int(d / u.size); n > 0 {
			words = append(words, plural(n, u.name))
		}
		d %= u.size
	}
	return strings.Join(words, " ")
}

// describeDate says on which days of which months and years. It begins with a blank or a comma, or is empty.
func (s *Schedule) describeDate() string {
	text := s.describeDay()
	if s.months != allMonths {
		text += s.monthLink() + join(runs(members(uint64(s.months)), monthName), "and")
	}
	if years := s.years.members(); !s.has(anyYear) && len(years) <= lastYear-firstYear {
		text += ", in " + list(years, strconv.Itoa)
	}
	return text
}

// monthLink joins the days and their months.
func (s *Schedule) monthLink() string {
	days, weekdays := s.dayLimits()
	switch {
	case days && weekdays:
		return ", in "
	case days:
		return " of "
	}
	return " in "
}

// dayLimits says which of the two day fields keeps any day out.
func (s *Schedule) dayLimits() (days, weekdays bool) {
	days, weekdays = s.doms != allDays, s.dows != allWeekdays
	if s.has(eitherDay) && !(days && weekdays) {
		return false, false
	}
	return days, weekdays
}

// describeDay says on which days of a month.
func (s *Schedule) describeDay() string {
	onDays := " on the " + list(members(uint64(s.doms)), ordinal)
	sundayLast := members(uint64(s.dows&^1) | uint64(s.dows&1)<<7)
	names := runs(sundayLast, weekdayName)
	switch days, weekdays := s.dayLimits(); {
	case days && weekdays && s.has(eitherDay):
		return onDays + " or on " + join(names, "and")
	case days && weekdays:
		return onDays + " if it is a " + join(names, "or")
	case days:
		return onDays
	case weekdays:
		return " on " + join(names, "and")
	case s.namesTimes():
		return " every day"
	}
	return ""
}
