package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

func (a *app) runCancelCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "End a run's whole process tree",
		Long: `End a run's whole process tree: it is asked to end, and killed when it has not after the job's kill_grace_seconds. Exits as soon as that has
begun, or with --wait when the run has ended.`,
		Args:              oneArg,
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.cancelRun(cmd.Context(), args[0], wait)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the run has ended")
	return cmd
}

func (a *app) cancelRun(ctx context.Context, id string, wait bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, request{method: http.MethodPost, path: runPath(id) + "/cancel"})
	if err != nil {
		return err
	}
	var record runRecord
	if err := got.decode(&record); err != nil {
		return err
	}
	told, body := &record, got.body
	if wait {
		stop := a.spin("run " + id + " is being ended")
		told, body, err = c.pollRun(ctx, id)
		stop()
		if err != nil {
			return interrupted(err, id)
		}
	}
	switch {
	case a.json:
		return a.printJSON(body)
	case told.State.Active():
		return a.printLine("run " + id + " is being ended; see: gustyctl run show " + id)
	default:
		return a.printLine("run " + id + ": " + told.ending())
	}
}
