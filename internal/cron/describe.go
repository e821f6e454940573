package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Describe says in English when the expression fires, on the local clock: "at 02:30 on Monday". Two
// expressions that differ in a time of theirs differ in their descriptions.
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

// describeDuration shows whole seconds in units that have one length: "2 hours 30 minutes",
// "minute".
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

// describeDate says on which days of which months and years. It begins with a blank or a comma, or
// is empty.
func (s *Schedule) describeDate() string {
	text := s.describeDay()
	if years := s.years.members(); !s.has(anyYear) && len(years) <= lastYear-firstYear {
		text += ", " + describeYears(years)
	}
	return text
}

func describeYears(years []int) string {
	first, last := years[0], years[len(years)-1]
	switch step := formula(years); {
	case step > 1:
		return fmt.Sprintf("every %s year from %d to %d", ordinal(step), first, last)
	case stepOf(years) == 1 && len(years) > 2:
		return fmt.Sprintf("from %d to %d", first, last)
	}
	return "in " + list(years, strconv.Itoa)
}

// dayLimits says which of the two day fields keeps any day out.
func (s *Schedule) dayLimits() (days, weekdays bool) {
	days, weekdays = s.doms != allDays, s.dows != allWeekdays
	if s.has(eitherDay) && !(days && weekdays) {
		return false, false
	}
	return days, weekdays
}

// describeDay says on which days of which months.
func (s *Schedule) describeDay() string {
	// Sunday comes last
	weekdayNames := runs(members(uint64(s.dows&^1)|uint64(s.dows&1)<<7), weekdayName)
	onDays, months := " on "+describeDays(members(uint64(s.doms))), s.monthNames()
	switch days, weekdays := s.dayLimits(); {
	case days && weekdays && s.has(eitherDay):
		return onDays + " or on " + join(weekdayNames, "and") + led(", in ", months)
	case days && weekdays:
		return onDays + led(" of ", months) + " if it is a " + join(weekdayNames, "or")
	case days && months == "":
		return onDays + " of every month"
	case days:
		return onDays + led(" of ", months)
	case weekdays:
		return " on " + join(weekdayNames, "and") + led(" in ", months)
	case s.namesTimes():
		return " every day" + led(" in ", months)
	}
	return led(" in ", months)
}

// describeDays names days of a month.
func describeDays(days []int) string {
	if step := formula(days); step > 1 {
		return fmt.Sprintf("every %s day from the %s to the %s", ordinal(step), ordinal(days[0]),
			ordinal(days[len(days)-1]))
	}
	return "the " + list(days, ordinal)
}

// monthNames names the months, with nothing where they are all.
func (s *Schedule) monthNames() string {
	if s.months == allMonths {
		return ""
	}
	return join(runs(members(uint64(s.months)), monthName), "and")
}

// led puts words in front of a text that is not empty.
func led(words, text string) string {
	if text == "" {
		return ""
	}
	return words + text
}
