package actors

import (
	"fmt"
	"strings"
	"time"

	"gusty/internal/cron"
	"gusty/messages"
)

// plan is a parsed expression in a time zone. Jobs of the same expression and zone share one: an
// agent with many jobs has few plans, as a rule.
type plan struct {
	key      planKey
	users    int32
	schedule cron.Schedule
	location *time.Location
}

// planKey is the expression and the zone as one text, which costs less in memory than two: there
// may be as many plans as jobs.
type planKey string

// planKeyOf returns the key. A line feed separates fields of an expression, but no zone has one in
// its name.
func planKeyOf(expression, zone string) planKey { return planKey(expression + "\n" + zone) }

func (k planKey) expression() string { return string(k[:strings.LastIndexByte(string(k), '\n')]) }

func (k planKey) zone() string { return string(k[strings.LastIndexByte(string(k), '\n')+1:]) }

// planSet interns plans.
type planSet map[planKey]*plan

// parsePlan checks an expression and a zone; the error is an *Error that names the field.
func parsePlan(expression, zone string) (*plan, error) {
	schedule, err := cron.Parse(expression)
	if err != nil {
		return nil, messages.Invalidf("cron_expression", "%v", err)
	}
	location, err := cron.LoadLocation(zone)
	if err != nil {
		return nil, messages.Invalidf("time_zone", "%v", err)
	}
	return &plan{key: planKeyOf(expression, zone), schedule: *schedule, location: location}, nil
}

// take returns the plan of an expression and counts one more user.
func (s planSet) take(expression, zone string) (*plan, error) {
	if p, ok := s[planKeyOf(expression, zone)]; ok {
		p.users++
		return p, nil
	}
	p, err := parsePlan(expression, zone)
	if err != nil {
		return nil, err
	}
	p.users = 1
	s[p.key] = p
	return p, nil
}

// release counts one user less.
func (s planSet) release(p *plan) {
	if p.users--; p.users == 0 {
		delete(s, p.key)
	}
}

// next returns the first firing strictly after after; zero where there is none.
func (p *plan) next(after, anchor time.Time) time.Time {
	return p.schedule.NextAfter(after, anchor, p.location)
}

// warning tells what one may not expect of an expression that is valid.
func (p *plan) warning(now, anchor time.Time) string {
	switch {
	case p.schedule.IsReboot() || !p.next(now, anchor).IsZero():
		return ""
	default:
		return fmt.Sprintf("the expression %q never fires: no such date lies ahead",
			p.key.expression())
	}
}
