package api

import (
	"time"

	"gusty/internal/cron"
	"gusty/messages"
)

// previewAnswer tells what an expression means.
type previewAnswer struct {
	Description string   `json:"description"`
	Next        []string `json:"next"`              // fewer than asked for where there are no more
	Warning     string   `json:"warning,omitempty"` // why it will not do what one may expect
}

func previewJob(r *request) error {
	schedule, err := checkCron(r.queryText("cron_expression"))
	if err != nil {
		return asQuery(err)
	}
	location, err := cron.LoadLocation(r.queryText("time_zone"))
	if err != nil {
		return badQuery("time_zone", "%s", err)
	}
	next := firings(schedule, r.queryTime("from"), location, r.queryInt("count"))
	answer := previewAnswer{Description: schedule.Describe(), Next: next}
	if len(next) == 0 && !schedule.IsReboot() {
		answer.Warning = "the expression never fires: no such date lies ahead"
	}
	return r.ok(answer)
}

// firings returns the first count due times after from.
func firings(schedule *cron.Schedule, from time.Time, location *time.Location, count int) []string {
	next := make([]string, 0, count)
	for at := from; len(next) < count; {
		if at = schedule.NextAfter(at, from, location); at.IsZero() {
			break
		}
		next = append(next, timeText(at))
	}
	return next
}

// asQuery returns an error about a field as one about the query parameter of that name.
func asQuery(err error) error {
	e := messages.AsError(err)
	if e == nil {
		return err
	}
	return badQuery(e.Field, "%s", e.Message)
}
