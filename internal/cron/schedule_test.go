package cron

import (
	"testing"
	"time"
	"unsafe"
)

func TestScheduleIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Schedule{}); size > 64 {
		t.Errorf("a Schedule has %d bytes, want at most 64", size)
	}
}

func TestEveryCountsFromAnchor(t *testing.T) {
	anchor := time.Date(2026, 11, 23, 8, 0, 0, 700_000_000, time.UTC)
	whole := anchor.Truncate(time.Second)
	s := parsed(t, "@every 90s")
	if !s.IsEvery() || s.Every() != 90*time.Second {
		t.Fatal("not an @every of 90 s")
	}
	for _, c := range []struct{ after, want time.Time }{
		{anchor, whole.Add(90 * time.Second)},
		{whole.Add(89 * time.Second), whole.Add(90 * time.Second)},
		{whole.Add(90 * time.Second), whole.Add(180 * time.Second)},
		{whole.Add(1000 * time.Hour), whole.Add(1000*time.Hour + 90*time.Second)},
		{whole.Add(-100 * time.Second), whole.Add(-90 * time.Second)}, // the clock was set back
		{whole.Add(-90 * time.Second), whole},
	} {
		if got := s.NextAfter(c.after, anchor, time.UTC); !got.Equal(c.want) {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
}

func TestNextIsStrictlyAfter(t *testing.T) {
	s := parsed(t, "* * * * * *")
	at := time.Date(2026, 11, 23, 8, 0, 0, 1, time.UTC)
	if got, want := s.Next(at), at.Add(time.Second-1); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRebootHasNoTime(t *testing.T) {
	s := parsed(t, "@reboot")
	if !s.IsReboot() || s.Never() || s.IsEvery() || !s.Next(time.Unix(0, 0)).IsZero() {
		t.Error("@reboot is a reboot, not a never, and has no next time")
	}
}

func TestNever(t *testing.T) {
	for expression, want := range map[string]bool{
		"0 0 30 2 *":                  true,
		"0 0 31 2,4,6,9,11 *":         true,
		"0 0 31 2,4,6,9,11 1":         false, // or on Mondays
		"0 0 29 2 */7":                false,
		"0 0 0 29 2 * 2100":           true, // no leap year
		"0 0 0 29 2 * 2096":           false,
		"0 0 0 29 2 SUN 2027-2031":    true,
		"0 0 0 1 1 * 1999":            false, // it has been
		"0 0 0 31 12 SUN 1972/1000":   false, // that was one
		"0 0 0 31 12 MON 1972/1000":   true,
		"* * * * *":                   false,
		"@every 1s":                   false,
		"0 0 31 4 */2":                true, // "*/2" does not restrict, so the days are ANDed
		"59 59 23 31 12 * 1970,2100":  false,
		"0 0 0 30 FEB-FEB/1 mon-fri ": true,
	} {
		if got := parsed(t, expression).Never(); got != want {
			t.Errorf("%q: never is %v, want %v", expression, got, want)
		}
	}
}

// TestFarTimes holds the search to its bounds: years without a table of clock changes, the days on
// which Go's own bounds are wrong, the end of the calendar, and times that no calendar has.
func TestFarTimes(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		expression string
		after      time.Time
		want       time.Time
	}{
		{"30 2 * * *", time.Date(2040, 12, 30, 3, 0, 0, 0, berlin), time.Date(2040, 12, 31, 2, 30, 0, 0, berlin)},
		{"30 2 * * *", time.Date(2040, 12, 31, 3, 0, 0, 0, berlin), time.Date(2041, 1, 1, 2, 30, 0, 0, berlin)},
		{"30 * 1 1 *", time.Date(2040, 12, 31, 3, 0, 0, 0, berlin), time.Date(2041, 1, 1, 0, 30, 0, 0, berlin)},
		{"0 0 29 2 *", time.Date(2096, 3, 1, 0, 0, 0, 0, berlin), time.Date(2104, 2, 29, 0, 0, 0, 0, berlin)},
		{"0 0 29 2 */7", time.Date(2088, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2128, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"0 0 0 29 2 *", time.Date(2096, 3, 1, 0, 0, 0, 0, berlin), time.Time{}},
		{"0 0 0 1 1 *", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"59 23 31 12 *", time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC), time.Time{}},
		{"59 23 31 12 *", time.Date(9999, 12, 31, 0, 0, 0, 0, zone(t, "America/New_York")), time.Time{}}, // 10000-01-01 in UTC
		{"@every 90s", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Time{}},
		{"@every 2562047h", time.Date(9800, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{"@every 90s", time.Unix(1<<62, 0).In(berlin), time.Time{}},
		{"* * * * *", time.Date(200000, 1, 1, 0, 0, 0, 0, berlin), time.Time{}},
		{"* * * * *", time.Unix(1<<62, 0).In(berlin), time.Time{}},
		{"0 0 1 1 *", time.Unix(1<<62, 0).In(berlin), time.Time{}},
	} {
		if got := parsed(t, c.expression).Next(c.after); !got.Equal(c.want) {
			t.Errorf("%q after %v: %v, want %v", c.expression, c.after, got, c.want)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, e := range benchExpressions {
		s, at := parsed(t, e.expression), time.Date(2026, 11, 23, 8, 0, 0, 0, berlin)
		if n := testing.AllocsPerRun(100, func() { s.NextAfter(at, at, berlin) }); n != 0 {
			t.Errorf("%q: %v allocations", e.expression, n)
		}
	}
}
