package opensearch

import (
	"strings"
	"unicode"
)

// oneLine makes a line for a log of what somebody sent: no control characters, no runs of blanks.
func oneLine(text []byte) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
	return strings.Join(strings.Fields(plain), " ")
}
