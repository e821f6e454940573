package cron

import (
	"strconv"
	"strings"
)

// The words of a field: numbers and names, and how an error shows them.

// lookup returns the value of a name, in any case.
func (f *field) lookup(name string) (int, bool) {
	if !isWord(name) {
		return 0, false
	}
	for i, names := range f.names {
		for n := range strings.SplitSeq(names, "|") {
			if strings.EqualFold(n, name) {
				return f.firstNamed + i, true
			}
		}
	}
	return 0, false
}

// isWord keeps letters out that only Unicode folds to ASCII, like the long s.
func isWord(text string) bool {
	for i := range len(text) {
		if c := text[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return text != ""
}

// tooLarge is what a number is read as that is larger than any field or step has use for.
const tooLarge = 1 << 32

// parseNumber reads decimal digits and nothing else. Zeros may lead.
func parseNumber(text string) (uint64, bool) {
	n := uint64(0)
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = min(n*10+uint64(digit), tooLarge)
	}
	return n, text != ""
}

// trimZeros shows a number as a person would write it.
func trimZeros(digits string) string {
	if short := strings.TrimLeft(digits, "0"); short != "" {
		return clip(short)
	}
	return "0"
}

// quote shows a part of an expression, which may hold anything, in an error.
func quote(text string) string { return strconv.QuoteToASCII(clip(text)) }

func clip(text string) string {
	const longest = 32
	if len(text) > longest {
		return text[:longest] + "..."
	}
	return text
}
