package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) jobListCommand() *cobra.Command {
	var long bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the jobs",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.listJobs(cmd.Context(), long)
		},
	}
	cmd.Flags().BoolVarP(&long, "long", "l", false,
		"with expression, next firing and last run (two requests a job)")
	return cmd
}

func (a *app) listJobs(ctx context.Context, long bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, get(jobsPath))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var names []string
	if err := got.decode(&names); err != nil {
		return err
	}
	if long {
		return a.listJobsLong(ctx, c, names)
	}
	for _, name := range names {
		if err := a.printLine(name); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) listJobsLong(ctx context.Context, c *client, names []string) error {
	lines := make([][]string, 0, len(names))
	for _, name := range names {
		line, err := a.jobLine(ctx, c, name)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	return a.printTable([]string{"NAME", "TYPE", "CRON", "NEXT", "LAST RUN", "STATE"}, lines)
}

func (a *app) jobLine(ctx context.Context, c *client, name string) ([]string, error) {
	var job storedJob
	var state jobState
	got, err := c.job(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := got.decode(&job); err != nil {
		return nil, err
	}
	if got, err = c.call(ctx, get(jobPath+"/state", "script_name", name)); err != nil {
		return nil, err
	}
	if err := got.decode(&state); err != nil {
		return nil, err
	}
	return []string{
		name, job.Type.String(), job.Cron, a.nextText(state.Next),
		a.lastText(state.LastRun), state.String(),
	}, nil
}

func (a *app) nextText(next *time.Time) string {
	if next == nil {
		return "never"
	}
	return a.distance(*next)
}

func (a *app) lastText(last *runRecord) string {
	if last == nil {
		return "-"
	}
	if last.EndedAt == nil {
		return string(last.State)
	}
	return string(last.State) + " " + a.distance(*last.EndedAt)
}
