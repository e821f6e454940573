package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseErrors(t *testing.T) {
	for expression, want := range map[string]string{
		"0 4 * * 8":                    "day-of-week: 8 is out of range 0 to 7",
		"0 0 4 * * 0":                  "day-of-week: 0 is out of range 1 to 7",
		"60 * * * * *":                 "seconds: 60 is out of range 0 to 59",
		"0099 * * * *":                 "minutes: 99 is out of range 0 to 59",
		"* 24 * * *":                   "hours: 24 is out of range 0 to 23",
		"* * 0 * *":                    "day-of-month: 0 is out of range 1 to 31",
		"* * * 13 *":                   "month: 13 is out of range 1 to 12",
		"* * * * * * 2101":             "year: 2101 is out of range 1970 to 2100",
		"*/0 * * * *":                  `minutes: the step "0" is not a whole number from 1 to 4294967295`,
		"* * * * fri-sun":              `day-of-week: "fri-sun" runs backwards; a range rises within 0 to 7, so write two of them`,
		"* * * * mon/2":                `day-of-week: the name "mon" takes no step; a range does, like sun-sat/2`,
		"0 0 0 * jan-5 *":              `month: "jan-5" mixes a name and a number; use two names or two numbers`,
		"? * * * *":                    `minutes: "?" is not understood; it takes values from 0 to 59, *, `,
		"1,,2 * * * *":                 "minutes: an item of the list is empty; it takes values from 0 to 59, *, ",
		"* * * * \u017fun":             `day-of-week: "\u017fun" is not understood; it takes values from 0 to 7 or names from sun to sat, *, `,
		"0 0 0 L * *":                  `day-of-month: "L" is not understood; it takes values from 1 to 31, *, ?, `,
		"* * * * 5-":                   `day-of-week: "5-" is not understood; `,
		"* *":                          `an expression has 5, 6 or 7 fields, this one has 2; write "minute hour day-of-month month day-of-week", `,
		"":                             "an expression has 5, 6 or 7 fields, this one has 0; ",
		"TZ=UTC 0 0 0 * * *":           `seconds: "TZ=UTC" is not understood; `,
		"@Daily":                       `"@Daily" is not known (nicknames are in lower case); write `,
		"@every":                       `@every: "" is no duration; it takes one like "90s", "15m" or "1h30m"`,
		"@every +5m":                   `@every: "+5m" is no duration; `,
		"@every -5m":                   `@every: "-5m" is too short; it takes at least 1s`,
		"@every 1500ms":                `@every: "1500ms" has a fraction of a second; it takes whole seconds`,
		"@every90s":                    `"@every90s" is not known `,
		strings.Repeat("*,", 1<<20):    "the expression is longer than 1024 bytes; ",
		"* * * * " + longWord():        "day-of-week: \"" + strings.Repeat("x", 32) + `..." is not understood; `,
		"18446744073709551617 * * * *": "minutes: 18446744073709551617 is out of range 0 to 59",
	} {
		_, err := Parse(expression)
		var parseError *ParseError
		if !errors.As(err, &parseError) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q:\ngot  %v\nwant %s", expression, err, want)
		}
	}
}

func longWord() string { return strings.Repeat("x", 500) }

func TestParserGivesNoTypedNil(t *testing.T) {
	if s, err := (Parser{}).Parse("nonsense"); s != nil || err == nil {
		t.Errorf("got %v and %v, want nil and an error", s, err)
	}
	if s, err := Parse("nonsense"); s != nil || err == nil {
		t.Errorf("got %v and %v, want nil and an error", s, err)
	}
	if s, err := (Parser{}).Parse("@hourly"); s == nil || err != nil {
		t.Errorf("got %v and %v, want a schedule", s, err)
	}
}

func TestSpaceIsASCII(t *testing.T) {
	parsed(t, " \t0 0\r\n* *\v*\f")
	for _, expression := range []string{
		"\u00a00 0 * * *", "0\u20030 * * * *", "\ufeff0 0 * * *",
		"0 0 * * *\x00",
	} {
		if _, err := Parse(expression); err == nil {
			t.Errorf("%q is taken", expression)
		}
	}
}

// FuzzParse looks for an expression that makes the parser, the search or the description panic,
// hang or contradict itself.
func FuzzParse(f *testing.F) {
	for _, r := range readAllRows(f) {
		f.Add(r.Expr, r.From)
	}
	f.Add("@every 90s", int64(0))
	f.Add("* * * * */4294967295", int64(1<<62))
	f.Add("0 0 0 29 2 SUN 1970-2100/28", int64(-1<<62))
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expression string, from int64) {
		s, err := Parse(expression)
		if err != nil {
			if s != nil || err.Error() == "" || len(err.Error()) > 2*maxLength {
				t.Fatalf("%q: %v, %v", expression, s, err)
			}
			return
		}
		if s.Describe() == "" {
			t.Fatalf("%q has no description", expression)
		}
		checkNext(t, s, from, berlin)
	})
}

// checkNext holds that firings come in order and never lie in the past.
func checkNext(t *testing.T, s *Schedule, from int64, loc *time.Location) {
	t.Helper()
	at := time.Unix(from%(1<<38), 0).In(loc)
	for range 5 {
		next := s.Next(at)
		if next.IsZero() {
			return
		}
		if !next.After(at) || next.Nanosecond() != 0 || s.Never() {
			t.Fatalf("%+v after %v: %v", *s, at, next)
		}
		at = next
	}
}
