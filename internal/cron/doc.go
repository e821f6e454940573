// Package cron turns a cron expression into the instants at which it fires, and keeps the due times
// of many of them in order. It knows nothing of jobs.
//
// # Expressions
//
// The number of fields tells the form; a nickname begins with @.
//
//	5 fields   min hour day-of-month month day-of-week                crontab(5): Sunday is 0 or 7
//	6 fields   sec min hour day-of-month month day-of-week            Quartz numbering: Sunday is 1
//	7 fields   sec min hour day-of-month month day-of-week year       years 1970 to 2100
//	@yearly @annually @monthly @weekly @daily @midnight @hourly       short for a line with five fields
//	@every 90s                                                        a fixed distance, counted from an anchor
//	@reboot                                                           once for each boot of the host; it has no time of its own
//
// With five fields a day has to match either day field where both are restricted, and a field that
// begins with "*" is not restricted; it still takes away days where it has a step, as in cronie.
// With six or seven fields a day has to match both. With six or seven fields nothing fires after
// 2100; with any other form, nothing after 9999.
//
// # Clock changes
//
// Expressions are about the local clock, and [Schedule.NextAfter] works on that clock as on a line
// of seconds without zones, and only then looks for the instant that shows the time it found. There
// are two ways to look.
//
// An expression whose hour field holds every hour follows the clock: it fires at every instant at
// which the clock shows a time of its own. So it fires twice at a time that comes twice, and not at
// a time that is left out.
//
// Any other fires when the clock first reaches or passes a time of its own. "Passes" is the gap in
// spring: several times that are left out are one firing, at the first instant after the gap.
// "First" is the fold in autumn: the second pass reaches nothing new.
//
// # Time zones
//
// [LoadLocation] takes the host's time zone database and, where there is none, the copy that is
// linked in: Windows and bare containers have none, and jobs with a time zone shall run there too.
//
// # What of robfig/cron is used
//
// Its two interfaces, so that a [Schedule] goes wherever a robfig schedule goes ([Parser],
// [Schedule.Next]). Its parser and its search are not used: the parser has no years, no Quartz
// numbering, no day 7 and no full names, takes empty list items and panics on "TZ=" without a
// blank; the search ORs the days of a Quartz expression, gives up after five years, spins for
// seconds on an empty set, and loses or doubles firings where clocks change. What would remain of
// it is shorter than the code around it.
//
// # Cost
//
// A Schedule is a value of bit sets, 64 bytes, never changed after Parse: share one between all
// that have the same expression. Finding the next firing skips by months over the bits of a month's
// days and allocates nothing; a date that never comes is known since Parse.
package cron
