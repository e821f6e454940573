package messages

import (
	"strings"
	"time"
)

// An index name may hold one pattern of a date, as Logstash writes it: logs-%{+yyyy.MM.dd}. The parts are yyyy, MM, dd and HH, in UTC; what is
// between them stays.
const (
	datePatternBegin = "%{+"
	datePatternEnd   = "}"
)

// ResolveIndex gives the name of the index that a document of the given time goes into.
func ResolveIndex(name string, at time.Time) string {
	before, rest, found := strings.Cut(name, datePatternBegin)
	pattern, after, whole := strings.Cut(rest, datePatternEnd)
	if !found || !whole {
		return name
	}
	at = at.UTC()
	parts := strings.NewReplacer("yyyy", at.Format("2006"), "MM", at.Format("01"), "dd", at.Format("02"), "HH", at.Format("15"))
	return before + parts.Replace(pattern) + after
}
