package cron

import "strings"

// The form with five fields, that of crontab(5).

// Fields of this form. Those without a name of the form are the same in both.
var (
	minutes       = &field{name: "minutes", max: 59}
	hours         = &field{name: "hours", max: 23}
	crontabDays   = &field{name: "day-of-month", min: 1, max: 31}
	crontabMonths = &field{
		name:       "month",
		min:        1,
		max:        12,
		firstNamed: 1,
		names:      shortMonths,
		mixed:      true,
	}
	crontabWeekdays = &field{name: "day-of-week", max: 7, names: shortWeekdays, mixed: true}

	shortMonths = []string{
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
		"nov", "dec",
	}
	shortWeekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// parseCrontab reads five fields.
func parseCrontab(words []string) (*Schedule, *ParseError) {
	r := reader{}
	s := &Schedule{
		seconds: 1,
		minutes: r.read(minutes, words[0]),
		hours:   uint32(r.read(hours, words[1])),
		doms:    uint32(r.read(crontabDays, words[2])),
		months:  uint16(r.read(crontabMonths, words[3])),
		dows:    foldSunday(r.read(crontabWeekdays, words[4])),
		traits:  anyYear,
	}
	if !strings.HasPrefix(words[2], "*") && !strings.HasPrefix(words[4], "*") {
		s.traits |= eitherDay
	}
	return s.finish(r.err)
}

// foldSunday makes 7 the Sunday that 0 is.
func foldSunday(weekdays uint64) uint8 {
	return uint8(weekdays&0x7f | weekdays>>7)
}
