package cron

import (
	"fmt"
	"strings"
)

// maxLength bounds an expression, in bytes, so that a hostile one is refused before it costs
// anything. Ranges and steps say in 100 bytes what takes 1,000 as lists.
const maxLength = 1024

// The white space that separates fields; that of Unicode does not.
const space = " \t\n\v\f\r"

// forms is what a wrong expression is told.
const forms = `"minute hour day-of-month month day-of-week", ` +
	`"second minute hour day-of-month month day-of-week" with an optional year behind it, ` +
	`or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, "@every 90s", @reboot`

// ParseError says which part of an expression is at fault.
type ParseError struct {
	// seconds, minutes, hours, day-of-month, month, day-of-week, year, @every; empty where it is
	// the expression as a whole
	Field   string
	Message string // one sentence: what is wrong, and what the field takes
}

// Error returns the sentence, with the field in front of it where one is at fault: "day-of-week: 8
// is out of range 0 to 7".
func (e *ParseError) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Parse reads an expression of any form. An error is a *ParseError.
func Parse(expression string) (*Schedule, error) {
	s, err := parse(expression)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parse(expression string) (*Schedule, *ParseError) {
	if len(expression) > maxLength {
		return nil, &ParseError{Message: fmt.Sprintf("the expression is longer than %d bytes; "+
			"shorten its lists to ranges and steps", maxLength)}
	}
	expression = strings.Trim(expression, space)
	if strings.HasPrefix(expression, "@") {
		return parseNickname(expression)
	}
	words := strings.FieldsFunc(expression, func(r rune) bool {
		return strings.ContainsRune(space, r)
	})
	switch len(words) {
	case 5:
		return parseCrontab(words)
	case 6, 7:
		return parseQuartz(words)
	}
	return nil, &ParseError{Message: fmt.Sprintf("an expression has 5, 6 or 7 fields, this one "+
		"has %d; write %s", len(words), forms)}
}

// finish adds what follows from the sets.
func (s *Schedule) finish(err *ParseError) (*Schedule, *ParseError) {
	if err != nil {
		return nil, err
	}
	if s.hours == 1<<24-1 {
		s.traits |= everyHour
	}
	if _, ok := s.nextDay(0); !ok {
		s.traits |= neverDue
	}
	return s, nil
}
