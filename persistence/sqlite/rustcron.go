package sqlite

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gusty/internal/cron"
)

// rustExpression returns an expression of the same firings that the Rust agent reads, or why there
// is none.
func rustExpression(expression string, now time.Time) (rust, why string) {
	schedule, err := cron.Parse(expression)
	switch {
	case err != nil:
		return "", "its expression is not valid (" + err.Error() +
			"), and would keep the Rust agent from starting"
	case schedule.IsEvery(), schedule.IsReboot():
		return "", "the Rust agent knows no " + strings.Fields(expression)[0]
	case schedule.NextAfter(now, now, time.UTC).IsZero():
		return "", "its expression has no firing ahead, and would keep the Rust agent from starting"
	}
	fields := strings.Fields(expression)
	switch {
	case len(fields) == 1:
		return rustNickname(fields[0]), ""
	case len(fields) == 5:
		return fromCrontab(fields)
	}
	return expression, ""
}

// rustNickname knows the two names that Rust's parser does not.
func rustNickname(name string) string {
	switch name {
	case "@annually":
		return "@yearly"
	case "@midnight":
		return "@daily"
	}
	return name
}

// fromCrontab turns the five fields of a valid crontab expression into six. Where both day fields
// are restricted a crontab means either of them and the Rust agent both.
func fromCrontab(fields []string) (rust, why string) {
	day, weekday := fields[2], fields[4]
	if !strings.HasPrefix(day, "*") && !strings.HasPrefix(weekday, "*") {
		return "", "its expression means either of two day fields, which the Rust agent cannot " +
			"express"
	}
	if weekday != "*" {
		weekday = rustWeekdays(weekday)
	}
	return strings.Join([]string{"0", fields[0], fields[1], day, fields[3], weekday}, " "), ""
}

// rustWeekdays lists the days of a valid day-of-week field of a crontab (0 and 7 are Sunday) by
// Rust's numbers (1 is Sunday).
func rustWeekdays(field string) string {
	var days []int
	for item := range strings.SplitSeq(strings.ToUpper(field), ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		first, last, isRange := strings.Cut(span, "-")
		from, to := weekdayNumber(first), weekdayNumber(first)
		switch {
		case span == "*":
			from, to = 0, 6
		case isRange:
			to = weekdayNumber(last)
		case stepped:
			to = 7
		}
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText) // the expression is valid
		}
		for day := from; day <= to; day += max(step, 1) {
			days = append(days, day%7+1)
		}
	}
	slices.Sort(days)
	var texts []string
	for _, day := range slices.Compact(days) {
		texts = append(texts, strconv.Itoa(day))
	}
	return strings.Join(texts, ",")
}

func weekdayNumber(text string) int {
	if at := slices.Index([]string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"},
		text); at >= 0 {
		return at
	}
	n, _ := strconv.Atoi(text) // the expression is valid
	return n
}
