package cron

import (
	"strings"
	"time"
)

// parseNickname reads an expression that begins with "@".
func parseNickname(expression string) (*Schedule, *ParseError) {
	if rest, ok := strings.CutPrefix(expression, "@every"); ok &&
		strings.TrimLeft(rest, space) != rest {
		return parseEvery(strings.Trim(rest, space))
	}
	switch expression {
	case "@reboot":
		return &Schedule{traits: onReboot}, nil
	case "@yearly", "@annually":
		return parseCrontab([]string{"0", "0", "1", "1", "*"})
	case "@monthly":
		return parseCrontab([]string{"0", "0", "1", "*", "*"})
	case "@weekly":
		return parseCrontab([]string{"0", "0", "*", "*", "0"})
	case "@daily", "@midnight":
		return parseCrontab([]string{"0", "0", "*", "*", "*"})
	case "@hourly":
		return parseCrontab([]string{"0", "*", "*", "*", "*"})
	case "@every":
		return parseEvery("")
	}
	return nil, &ParseError{Message: quote(expression) + " is not known (nicknames are in lower " +
		"case); write " + forms}
}

// parseEvery reads the duration of an @every, in Go's notation ("90s", "1h30m").
func parseEvery(text string) (*Schedule, *ParseError) {
	every, err := time.ParseDuration(text)
	switch {
	case err != nil || strings.HasPrefix(text, "+"):
		return nil, &ParseError{Field: "@every", Message: quote(text) + ` is no duration; it takes one like "90s", "15m" or "1h30m"`}
	case every < time.Second:
		return nil, &ParseError{
			Field:   "@every",
			Message: quote(text) + " is too short; it takes at least 1s",
		}
	case every%time.Second != 0:
		return nil, &ParseError{
			Field:   "@every",
			Message: quote(text) + " has a fraction of a second; it takes whole seconds",
		}
	}
	return &Schedule{every: every}, nil
}
