package messages

import (
	"strings"
	"time"
	"unicode"
)

// An index name may hold one pattern of a date, as Logstash writes it: logs-%{+yyyy.MM.dd}. The
// parts are yyyy, MM, dd and HH, in UTC; what is between them stays.
const (
	datePatternBegin = "%{+"
	datePatternEnd   = "}"
)

// checkDatePattern refuses what begins like a pattern and is none, or one more: it would stand in
// the name as it is.
func checkDatePattern(field, name string) error {
	before, rest, found := strings.Cut(name, datePatternBegin)
	pattern, after, whole := strings.Cut(rest, datePatternEnd)
	letters := strings.NewReplacer("yyyy", "", "MM", "", "dd", "", "HH", "").Replace(pattern)
	switch {
	case found && !whole:
		return Invalidf(field, "has a %s that no %s ends", datePatternBegin, datePatternEnd)
	case strings.Contains(before+after, "%{"):
		return Invalidf(field, "takes one pattern of a date, of the form %%{+yyyy.MM.dd}, and no "+
			"other")
	case found && (letters == pattern || strings.ContainsFunc(letters, unicode.IsLetter)):
		return Invalidf(field, "has the pattern %q; a date is made of yyyy, MM, dd and HH", pattern)
	}
	return nil
}

// ResolveIndex returns the name of the index that a document of the given time goes into.
func ResolveIndex(name string, at time.Time) string {
	before, rest, found := strings.Cut(name, datePatternBegin)
	pattern, after, whole := strings.Cut(rest, datePatternEnd)
	if !found || !whole {
		return name
	}
	at = at.UTC()
	parts := strings.NewReplacer("yyyy", at.Format("2006"), "MM", at.Format("01"), "dd",
		at.Format("02"), "HH", at.Format("15"))
	return before + parts.Replace(pattern) + after
}
