package cron

import "github.com/robfig/cron/v3"

// Parser is Parse as robfig's ScheduleParser interface.
type Parser struct{}

var (
	_ cron.ScheduleParser = Parser{}
	_ cron.Schedule       = (*Schedule)(nil)
)

// Parse reads an expression of any form. An error is a *ParseError.
func (Parser) Parse(expression string) (cron.Schedule, error) {
	s, err := parse(expression)
	if err != nil {
		return nil, err // a nil *Schedule in the interface would not be nil
	}
	return s, nil
}
