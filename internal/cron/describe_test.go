package cron

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDescribe(t *testing.T) {
	for expression, want := range map[string]string{
		"30 2 * * 1":                         "at 02:30 on Monday",
		"30 2 * * *":                         "at 02:30 every day",
		"* * * * *":                          "every minute",
		"* * * * * *":                        "every second",
		"*/15 * * * *":                       "every 15 minutes",
		"*/7 * * * *":                        "at minutes 0 to 56 in steps of 7 of every hour",
		"0 * * * *":                          "every hour",
		"5 * * * *":                          "at minute 5 of every hour",
		"0 */6 * * *":                        "at 00:00, 06:00, 12:00 and 18:00 every day",
		"0 */2 * * *":                        "every 2 hours",
		"0 9-17 * * 1-5":                     "every hour from 09:00 to 17:00 on Monday to Friday",
		"*/10 9-17 * * 1-5":                  "every 10 minutes from 09:00 to 17:59 on Monday to Friday",
		"0 0 13 * 5":                         "at 00:00 on the 13th or on Friday",
		"0 0 13 2 5":                         "at 00:00 on the 13th or on Friday, in February",
		"0 0 0 13 * FRI":                     "at 00:00 on the 13th if it is a Friday",
		"0 0 0 1,22,31 * MON,TUE":            "at 00:00 on the 1st, 22nd and 31st if it is a Monday or Tuesday",
		"0 0 1-31 * 5":                       "at 00:00 every day",
		"0 0 13 * 1-7":                       "at 00:00 every day",
		"0 0 * * 0,6":                        "at 00:00 on Saturday and Sunday",
		"0 0 1 1,4 *":                        "at 00:00 on the 1st of January and April",
		"0 0 * 2 1":                          "at 00:00 on Monday in February",
		"15 30 2 ? * SUN 2027-2029":          "at 02:30:15 on Sunday, from 2027 to 2029",
		"*/10 5 * * * *":                     "every 10 seconds of minute 5 of every hour",
		"5 * * * * *":                        "at second 5 of every minute",
		"5 * 3 * * *":                        "at second 5 of every minute in hour 3",
		"0 0 0 1 1 * 2026/2":                 "at 00:00 on the 1st of January, every 2nd year from 2026 to 2100",
		"0 0 30 2 *":                         "at 00:00 on the 30th of February (never: there is no such date)",
		"@monthly":                           "at 00:00 on the 1st of every month",
		"0 0 */2 * *":                        "at 00:00 on every 2nd day from the 1st to the 31st of every month",
		"0 0 5-31/7 12 *":                    "at 00:00 on every 7th day from the 5th to the 26th of December",
		"0 0 */2 * 1":                        "at 00:00 on every 2nd day from the 1st to the 31st if it is a Monday",
		"0 0 0 1,15 6 SUN 2027,2031":         "at 00:00 on the 1st and 15th of June if it is a Sunday, in 2027 and 2031",
		"0 0 1 1-6 *":                        "at 00:00 on the 1st of January to June",
		"* 3 * * *":                          "every minute from 03:00 to 03:59",
		"*/5 0,12,13 * * *":                  "every 5 minutes in hours 0, 12 and 13",
		"30 1-23/2 * * *":                    "every 2 hours from 01:30 to 23:30",
		"30 */2 * * *":                       "every 2 hours from 00:30 to 22:30",
		"0 9-17,20 * * *":                    "at minute 0 in hours 9 to 17 and 20",
		"*/10 7 9-12 * * *":                  "every 10 seconds of minute 7 in hours 9 to 12",
		"@weekly":                            "at 00:00 on Sunday",
		"@reboot":                            "once after each boot of the host",
		"@every 90s":                         "every 1 minute 30 seconds",
		"@every 24h":                         "every 24 hours",
		"@every 1h":                          "every hour",
		"1-3,7,10-11,20,30,40,50 * * * * * ": "at seconds 1 to 3, 7, 10, 11, 20, 30, 40 and 50 of every minute",
	} {
		if got := parsed(t, expression).Describe(); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", expression, got, want)
		}
	}
}

// TestDescribeTellsApart changes one value of one field: the description has to change with it.
func TestDescribeTellsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression, _ := genExpression(t)
		one, err := Parse(expression)
		if err != nil {
			t.Fatalf("%q: %v", expression, err)
		}
		other := *one
		switch rapid.IntRange(0, 6).Draw(t, "field") {
		case 0:
			other.seconds ^= 1 << rapid.IntRange(0, 59).Draw(t, "second")
		case 1:
			other.minutes ^= 1 << rapid.IntRange(0, 59).Draw(t, "minute")
		case 2:
			other.hours ^= 1 << rapid.IntRange(0, 23).Draw(t, "hour")
		case 3:
			other.doms ^= 1 << rapid.IntRange(1, 31).Draw(t, "day")
		case 4:
			other.months ^= 1 << rapid.IntRange(1, 12).Draw(t, "month")
		case 5:
			other.dows ^= 1 << rapid.IntRange(0, 6).Draw(t, "weekday")
		case 6:
			other.years[0] ^= 1 << rapid.IntRange(0, 63).Draw(t, "year")
		}
		if !sameTimes(one, &other) && one.Describe() == other.Describe() {
			t.Fatalf("%q is described as another one is: %s", expression, one.Describe())
		}
	})
}

// sameTimes reports whether the difference makes none: an empty set is not an expression, a year
// field may be absent, and ORed days are all days where one field holds them all.
func sameTimes(one, other *Schedule) bool {
	empty := other.seconds == 0 || other.minutes == 0 || other.hours == 0 || other.doms == 0 ||
		other.months == 0 || other.dows == 0
	noYears := one.has(anyYear) && one.years != other.years || other.years == yearSet{}
	everyDay := func(s *Schedule) bool {
		days, weekdays := s.dayLimits()
		return !days && !weekdays
	}
	return empty || noYears || everyDay(one) && everyDay(other)
}
