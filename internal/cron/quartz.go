package cron

// The form with six or seven fields, with the numbers of Quartz and of the Rust crate "cron".

// Fields of this form.
var (
	seconds        = &field{name: "seconds", max: 59}
	quartzDays     = &field{name: "day-of-month", min: 1, max: 31, question: true}
	quartzMonths   = &field{name: "month", min: 1, max: 12, firstNamed: 1, names: longMonths}
	quartzWeekdays = &field{
		name:       "day-of-week",
		min:        1,
		max:        7,
		firstNamed: 1,
		names:      longWeekdays,
		question:   true,
	}
	years = &field{name: "year", min: firstYear, max: lastYear}

	longMonths = []string{
		"jan|january", "feb|february", "mar|march", "apr|april", "may", "jun|june",
		"jul|july", "aug|august", "sep|september", "oct|october", "nov|november", "dec|december",
	}
	longWeekdays = []string{
		"sun|sunday", "mon|monday", "tue|tues|tuesday", "wed|wednesday", "thu|thurs|thursday",
		"fri|friday", "sat|saturday",
	}
)

// parseQuartz reads six or seven fields. A day has to match both day fields.
func parseQuartz(words []string) (*Schedule, *ParseError) {
	r := reader{}
	s := &Schedule{
		seconds: r.read(seconds, words[0]),
		minutes: r.read(minutes, words[1]),
		hours:   uint32(r.read(hours, words[2])),
		doms:    uint32(r.read(quartzDays, words[3])),
		months:  uint16(r.read(quartzMonths, words[4])),
		dows:    uint8(r.read(quartzWeekdays, words[5]) >> 1),
	}
	year := "*"
	if len(words) == 7 {
		year = words[6]
	}
	s.years = r.readYears(year)
	return s.finish(r.err)
}
