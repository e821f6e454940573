package cron

import (
	"testing"
	"time"
)

// Expressions from the most common to the hardest to search for.
var benchExpressions = []struct{ name, expression, zone string }{
	{"minute", "* * * * *", "UTC"},
	{"daily", "30 2 * * *", "Europe/Berlin"},
	{"weekdays", "*/10 9-17 * * 1-5", "America/New_York"},
	{"quartz", "0 0 3 ? * SUN", "Australia/Lord_Howe"},
	{"leap-day", "0 0 29 2 *", "Europe/Berlin"},
	{"leap-day-every-hour", "* * 29 2 *", "Europe/Berlin"},
	{"leap-sunday", "0 0 29 2 */7", "Europe/Berlin"},
	{"sparse-year", "0 0 0 31 12 SUN 2023/77", "Europe/Berlin"},
	{"past", "* * * * * * 1999", "Europe/Berlin"},
	{"never", "0 0 30 2 *", "Europe/Berlin"},
	{"never-anded", "0 0 0 31 2,4,6,9,11 ?", "Europe/Berlin"},
	{"every", "@every 90s", "Europe/Berlin"},
}

// Each step starts where the last one ended, so that changes of the clock and years without a table
// are among them.
func BenchmarkNext(b *testing.B) {
	for _, e := range benchExpressions {
		b.Run(e.name, func(b *testing.B) {
			s, loc := parsed(b, e.expression), zone(b, e.zone)
			start := time.Date(2026, 11, 23, 8, 0, 0, 0, loc)
			at := start
			b.ReportAllocs()
			for b.Loop() {
				if at = s.NextAfter(at, start, loc); at.IsZero() || at.Year() > 2090 {
					at = start
				}
			}
		})
	}
}

func BenchmarkPreview1000(b *testing.B) {
	for _, e := range benchExpressions {
		b.Run(e.name, func(b *testing.B) {
			s, loc := parsed(b, e.expression), zone(b, e.zone)
			b.ReportAllocs()
			for b.Loop() {
				at := time.Date(2026, 11, 23, 8, 0, 0, 0, loc)
				for n := 0; n < 1000 && !at.IsZero(); n++ {
					at = s.Next(at)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, e := range benchExpressions {
		b.Run(e.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(e.expression); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func parsed(t testing.TB, expression string) *Schedule {
	t.Helper()
	s, err := Parse(expression)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	return s
}
