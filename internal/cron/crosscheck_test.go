package cron

import (
	"slices"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Zones with all that clocks do: half-hour changes (Lord_Howe), changes at midnight (Havana,
// Beirut, Santiago, Sao_Paulo), a day left out (Apia), two hours (Troll), winter time as the
// exception (Dublin, Casablanca), odd offsets (Kolkata, Chatham, Monrovia), moves of the zone
// itself (Caracas, Pyongyang, Casey, Kwajalein).
var zoneNames = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
	"America/Sao_Paulo", "Africa/Casablanca",
	"Europe/Dublin", "Antarctica/Troll", "Asia/Kolkata", "America/Havana", "Asia/Beirut",
	"America/Santiago", "Pacific/Chatham",
	"Africa/Monrovia", "America/Caracas", "Asia/Pyongyang", "Antarctica/Casey", "Pacific/Kwajalein",
	"Africa/Cairo", "Asia/Gaza", "Europe/Lisbon",
}

// TestAgainstNaive compares all firings in a window, which mostly lies around a change of the
// clock, with those of the naive evaluator.
func TestAgainstNaive(t *testing.T) {
	zones := map[string]*time.Location{}
	changes := map[string][]int64{}
	for _, name := range zoneNames {
		zones[name] = zone(t, name)
		changes[name] = clockChanges(zones[name])
	}
	rapid.Check(t, func(t *rapid.T) {
		expression, want := genExpression(t)
		name := rapid.SampledFrom(zoneNames).Draw(t, "zone")
		from := genInstant(t, changes[name])
		if rapid.IntRange(0, 3).Draw(t, "any day") > 0 { // else few fire in the window
			want.doms, want.dows, want.months, want.either = upTo(31), upTo(6), upTo(12), false
		}
		until := from + rapid.Int64Range(1, 30*60*60).Draw(t, "window")
		compareFirings(t, expression, want, from, until, zones[name])
	})
}

func compareFirings(t *rapid.T, expression string, want *naive, from, until int64,
	loc *time.Location,
) {
	s, err := Parse(expression)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	if len(want.doms) == 32 {
		s.doms, s.dows, s.months = allDays, allWeekdays, allMonths
		s.traits &^= eitherDay | neverDue
	}
	expected := want.firings(from, until, loc)
	at := time.Unix(from, 0).In(loc)
	var got []int64
	for at = s.Next(at); !at.IsZero() && at.Unix() <= until; at = s.Next(at) {
		got = append(got, at.Unix())
	}
	if !slices.Equal(got, expected) {
		t.Fatalf("%q in %v from %v (%d) to %d:\ngot  %v\nwant %v", expression, loc,
			time.Unix(from, 0).In(loc), from, until, got, expected)
	}
}

// TestDatesAgainstNaive compares the first day of expressions whose dates are far apart.
func TestDatesAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression, want := genExpression(t)
		if rapid.Bool().Draw(t, "month ends") {
			want.doms = map[int]bool{rapid.IntRange(28, 31).Draw(t, "dom"): true}
			want.months = map[int]bool{rapid.IntRange(1, 12).Draw(t, "month"): true}
		}
		s, err := Parse(expression)
		if err != nil {
			t.Fatalf("%q: %v", expression, err)
		}
		s.doms, s.months, s.traits = uint32(bitsOf(want.doms)), uint16(
			bitsOf(want.months)), s.traits&^neverDue
		from := time.Date(rapid.IntRange(1965, 2101).Draw(t, "year"), 1,
			rapid.IntRange(1, 366).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		endYear := 2100
		if s.has(anyYear) {
			endYear = from.Year() + 40
		}
		day, ok := want.firstDay(from, endYear)
		got := s.Next(from.Add(-time.Second))
		if ok == got.IsZero() || ok && !got.Truncate(24*time.Hour).Equal(day) {
			t.Fatalf("%q from %v: got %v, want %v (%v)", expression, from, got, day, ok)
		}
	})
}

// clockChanges returns the instants from 1970 to 2045 at which the offset of a zone changes, but
// for two on one day.
func clockChanges(loc *time.Location) []int64 {
	const day = 24 * 60 * 60
	var changes []int64
	for at := int64(0); at < 75*366*day; at += day {
		offset := offsetAt(at, loc)
		if offsetAt(at+day, loc) != offset {
			after := sort.Search(day, func(s int) bool {
				return offsetAt(at+int64(s), loc) != offset
			})
			changes = append(changes, at+int64(after))
		}
	}
	return changes
}

// genInstant draws an instant, mostly within a day of a change of the clock or of a 31 December on
// which Go's bounds of a zone are wrong.
func genInstant(t *rapid.T, changes []int64) int64 {
	for _, year := range []int{2040, 2044, 2096} {
		changes = append(changes, time.Date(year, 12, 31, 12, 0, 0, 0, time.UTC).Unix())
	}
	if rapid.IntRange(0, 9).Draw(t, "near a change") > 0 {
		return rapid.SampledFrom(changes).Draw(t, "change") +
			rapid.Int64Range(-28*60*60, 3*60*60).Draw(t, "distance")
	}
	return rapid.Int64Range(0, 4200000000).Draw(t, "from")
}

func upTo(n int) map[int]bool {
	set := map[int]bool{}
	for v := range n + 1 {
		set[v] = true
	}
	return set
}

func bitsOf(set map[int]bool) (bits uint64) {
	for v := range set {
		bits |= 1 << v
	}
	return bits
}
