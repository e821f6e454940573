package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) runShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show RUN",
		Short:             "Show one run: when, how long, how it ended, and what it used",
		Args:              oneArg,
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showRun(cmd.Context(), args[0])
		},
	}
}

func (a *app) showRun(ctx context.Context, id string) error {
	got, err := a.call(ctx, get(runPath(id)))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var record runRecord
	if err := got.decode(&record); err != nil {
		return err
	}
	fields, err := got.Fields()
	if err != nil {
		return err
	}
	var rows [][2]string
	for _, f := range fields {
		rows = append(rows, [2]string{withoutUnit(f.key), a.humane(f.key, f.value)})
		if lag, ok := record.lag(); ok && f.key == "started_at" {
			rows = append(rows, [2]string{"lag", humaneDuration(lag)})
		}
	}
	return a.printRows(rows)
}

// withoutUnit returns a field's name without the unit, which stands beside the value.
func withoutUnit(key string) string {
	for _, unit := range []string{"_ms", "_bytes"} {
		key = strings.TrimSuffix(key, unit)
	}
	return key
}

// lag is how long after its due time the run started; a job's jitter is part of it.
func (r *runRecord) lag() (time.Duration, bool) {
	if r.DueAt == nil || r.StartedAt == nil {
		return 0, false
	}
	return r.StartedAt.Sub(*r.DueAt), true
}
