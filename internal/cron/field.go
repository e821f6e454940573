package cron

import (
	"fmt"
	"strings"
)

// field is what one field of one form takes.
type field struct {
	name     string // as an error names it
	min, max int    // the values it takes
	// of the values from firstNamed up, one entry each; other names of the same value stand behind
	// a "|"
	names      []string
	firstNamed int
	question   bool // "?" stands for "*"
	mixed      bool // a range may have a name at one end and a number at the other
}

// reader reads fields and keeps the first error.
type reader struct{ err *ParseError }

// read returns the values of a field as bits.
func (r *reader) read(f *field, text string) uint64 {
	var set uint64
	r.each(f, text, func(v int) { set |= 1 << v })
	return set
}

func (r *reader) readYears(text string) yearSet {
	var set yearSet
	r.each(years, text, set.add)
	return set
}

// each calls add for every value of a comma-separated list.
func (r *reader) each(f *field, text string, add func(int)) {
	if r.err != nil {
		return
	}
	for item := range strings.SplitSeq(text, ",") {
		values, err := f.parseItem(item)
		if err != nil {
			r.err = &ParseError{Field: f.name, Message: err.Error()}
			return
		}
		for v := values.from; v <= values.to; v += values.step {
			add(v)
		}
	}
}

// takes says what the field takes.
func (f *field) takes() string {
	var b strings.Builder
	fmt.Fprintf(&b, "it takes values from %d to %d", f.min, f.max)
	if len(f.names) > 0 {
		fmt.Fprintf(&b, " or names from %s", f.namedRange(" to "))
	}
	b.WriteString(", *")
	if f.question {
		b.WriteString(", ?")
	}
	b.WriteString(", ranges like a-b, steps like */n or a-b/n, and lists of these")
	return b.String()
}

// namedRange shows the names from the first to the last.
func (f *field) namedRange(to string) string {
	first, _, _ := strings.Cut(f.names[0], "|")
	last, _, _ := strings.Cut(f.names[len(f.names)-1], "|")
	return first + to + last
}
