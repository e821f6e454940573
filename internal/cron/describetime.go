package cron

import (
	"fmt"
	"math/bits"
	"strings"
)

// mostTimes is how many times of day a description names one by one.
const mostTimes = 6

// namesTimes reports whether the times of day are few enough to be named one by one.
func (s *Schedule) namesTimes() bool {
	return bits.OnesCount32(s.hours)*bits.OnesCount64(s.minutes)*bits.OnesCount64(
		s.seconds) <= mostTimes
}

// describeTime says at which times of a day.
func (s *Schedule) describeTime() string {
	if s.namesTimes() {
		return "at " + s.listTimes()
	}
	hours := members(uint64(s.hours))
	if s.seconds == 1 && bits.OnesCount64(s.minutes) == 1 {
		if text := describeHourly(hours, firstFrom(s.minutes, 0)); text != "" {
			return text
		}
	}
	text := describeSeconds(members(s.seconds))
	text = describeMinutes(text, members(s.minutes))
	return describeHours(text, hours)
}

// listTimes names every time of a day.
func (s *Schedule) listTimes() string {
	var times []string
	for t, ok := s.nextTime(0); ok; t, ok = s.nextTime(t + 1) {
		text := fmt.Sprintf("%02d:%02d", t/3600, t/60%60)
		if s.seconds != 1 {
			text += fmt.Sprintf(":%02d", t%60)
		}
		times = append(times, text)
	}
	return join(times, "and")
}

// describeHourly says it where one minute is fixed and the hours are evenly spaced; else it says
// nothing.
func describeHourly(hours []int, minute int) string {
	step, even := stepOf(hours), evenStep(hours, 24)
	switch {
	case even > 0 && minute == 0:
		return "every " + each(even, "hour")
	case step > 0 && even != 1:
		return fmt.Sprintf("every %s from %02d:%02d to %02d:%02[3]d", each(step, "hour"), hours[0],
			minute, hours[len(hours)-1])
	}
	return ""
}

// describeSeconds begins a description, with nothing where all is on the full minute.
func describeSeconds(seconds []int) string {
	step := evenStep(seconds, 60)
	switch {
	case len(seconds) == 1 && seconds[0] == 0:
		return ""
	case step > 0:
		return "every " + each(step, "second")
	}
	return "at " + listOf("second", seconds)
}

// describeMinutes goes on with the minutes.
func describeMinutes(text string, minutes []int) string {
	step := evenStep(minutes, 60)
	switch {
	case text == "" && step > 0:
		return "every " + each(step, "minute")
	case text == "":
		return "at " + listOf("minute", minutes)
	case step == 1 && strings.HasPrefix(text, "every"):
		return text
	case step == 1:
		return text + " of every minute"
	}
	return text + " of " + listOf("minute", minutes)
}

// describeHours goes on with the hours.
func describeHours(text string, hours []int) string {
	numbered := strings.Contains(text, "minute ") || strings.Contains(text, "minutes ")
	first, last := hours[0], hours[len(hours)-1]
	switch {
	case evenStep(hours, 24) == 1 && numbered:
		return text + " of every hour"
	case evenStep(hours, 24) == 1:
		return text
	case strings.HasPrefix(text, "every") && !numbered && last-first == len(hours)-1:
		return fmt.Sprintf("%s from %02d:00 to %02d:59", text, first, last)
	}
	return text + " in " + listOf("hour", hours)
}
