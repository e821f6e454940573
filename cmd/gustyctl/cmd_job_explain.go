package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gusty/messages"
)

func (a *app) jobExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "explain NAME",
		ValidArgsFunction: a.completeJob,
		Short: "Say in sentences why a job did or did not run last, and what comes " +
			"next",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explainJob(cmd.Context(), args[0])
		},
	}
}

func (a *app) explainJob(ctx context.Context, name string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	e := explanation{now: a.now(), here: time.Local}
	for _, fetch := range []func(context.Context, string, *explanation) error{
		c.fetchJob,
		c.fetchState, c.fetchPreview, c.fetchRuns,
	} {
		if err := fetch(ctx, name, &e); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON([]byte(encoded(map[string]any{
			"script_name": name,
			"sentences":   e.sentences(),
		})))
	}
	for _, sentence := range e.sentences() {
		if err := a.printLine(sentence); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) fetchJob(ctx context.Context, name string, e *explanation) error {
	got, err := c.job(ctx, name)
	if err != nil {
		return err
	}
	return got.decode(&e.job)
}

func (c *client) fetchState(ctx context.Context, name string, e *explanation) error {
	got, err := c.call(ctx, get(jobPath+"/state", "script_name", name))
	if err != nil {
		return err
	}
	return got.decode(&e.state)
}

// fetchPreview has the expression told in English. One that the agent cannot read, stored by other
// means than its interface, is no failure here.
func (c *client) fetchPreview(ctx context.Context, _ string, e *explanation) error {
	got, err := c.call(ctx, previewRequest{
		cron:     e.job.Cron,
		timeZone: e.job.TimeZone,
		count:    1,
	}.request())
	if wrong := messages.AsError(err); wrong != nil && wrong.Code == messages.CodeBadQuery {
		e.unreadable = wrong.Message
		return nil
	}
	if err != nil {
		return err
	}
	return got.decode(&e.preview)
}

const (
	// activeShown is how many active runs of a job are looked at.
	activeShown = 10
	// endedLooked is how many are looked at of those in a state that runs may end in without having
	// run: the agent keeps 11 records of these.
	endedLooked = 12
)

// fetchRuns asks for the newest of each state: a job that is skipped every minute while one run
// hangs would hide that run from a list of all.
func (c *client) fetchRuns(ctx context.Context, name string, e *explanation) error {
	e.runs = map[messages.RunState][]runRecord{}
	for _, state := range messages.RunStates() {
		limit := 1
		switch state {
		case messages.RunQueued, messages.RunRunning:
			limit = activeShown
		case messages.RunFailed, messages.RunCancelled, messages.RunInterrupted:
			limit = endedLooked
		default:
		}
		got, err := c.call(ctx,
			get(runsPath, "script_name", name, "state", string(state), "limit",
				strconv.Itoa(limit)))
		if err != nil {
			return err
		}
		var page struct{ Items []runRecord }
		if err := got.decode(&page); err != nil {
			return err
		}
		e.runs[state] = page.Items
	}
	return nil
}
