package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

const (
	// firstPoll and lastPoll bound how often job run --wait looks: quickly at first, since most
	// runs are short.
	firstPoll = 50 * time.Millisecond
	lastPoll  = time.Second
)

// runOptions say what job run does after the run has begun.
type runOptions struct{ wait, follow bool }

func (a *app) jobRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:               "run NAME",
		ValidArgsFunction: a.completeJob,
		Short:             "Run a stored job now, outside its schedule",
		Long: `Run a stored job now, outside its schedule. With --wait, print what it printed when it has ended, and exit with 0 if it succeeded
and with 1 if not. With --follow, print what it prints as it comes, and exit with its own exit code: 128 and the number of a signal that ended
it, and 1 where it timed out, was cancelled or did not run. The codes 1 to 5 may then be the script's or gustyctl's own; standard error tells
which: gustyctl's last line begins with "gustyctl: run" only where the run came to its end. Ending gustyctl does not end the run: run cancel does.`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runJob(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until it has ended, and print its output")
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false,
		"print its output as it comes, and exit with its exit code")
	cmd.MarkFlagsMutuallyExclusive("wait", "follow")
	return cmd
}

func (a *app) runJob(ctx context.Context, name string, o runOptions) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, request{
		method: http.MethodPost,
		path:   jobPath + "/run",
		query:  query("script_name", name),
	})
	if err != nil {
		return err
	}
	var begun runRecord
	if err := got.decode(&begun); err != nil {
		return err
	}
	switch {
	case o.wait:
		return a.awaitRun(ctx, c, begun.ID)
	case o.follow:
		return a.followRun(ctx, c, begun.ID)
	case a.json:
		return a.printJSON(got.body)
	}
	return a.printLine("run " + begun.ID + " is " + string(begun.State) +
		"; see: gustyctl run show " + begun.ID)
}

func (a *app) awaitRun(ctx context.Context, c *client, id string) error {
	stop := a.spin("run " + id)
	ended, body, err := c.pollRun(ctx, id)
	stop()
	if errors.Is(err, context.Canceled) {
		return exit.Failedf("interrupted; the run goes on: gustyctl run show %s", id)
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(body)
	} else {
		err = a.printOutput(ctx, c, id)
	}
	if err == nil && ended.State != messages.RunSucceeded {
		err = exit.Failedf("run %s %s", id, ended.ending())
	}
	return err
}

// pollRun looks at a run until it has ended.
func (c *client) pollRun(ctx context.Context, id string) (*runRecord, json.RawMessage, error) {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		record, body, err := c.run(ctx, id)
		if err != nil || !record.State.Active() {
			return record, body, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}
