package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

func (a *app) jobAddCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "add FILE --cron EXPRESSION",
		Short: "Store a new job from a script file (- for standard input)",
		Example: `  gustyctl job add backup.sh --cron "30 2 * * *" --time-zone Europe/Berlin --timeout 1h
  gustyctl job add report.py --cron "0 0 7 * * MON-FRI" --arg --format=csv --env REPORT_TOKEN`,
		Args: oneArg,
	}
	flags := newJobFlags(cmd)
	cmd.Flags().StringVar(&name, "name", "",
		"the job's `name` (default: the file's, without its extension)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.addJob(cmd.Context(), args[0], name, flags)
	}
	return cmd
}

func (a *app) addJob(ctx context.Context, file, name string, flags *jobFlags) error {
	if flags.cron == "" {
		return exit.Usagef(`say when the job runs, as in --cron "30 2 * * *"`)
	}
	job := storedJob{Name: name}
	if job.Name == "" {
		if file == "-" {
			return exit.Usagef("a script from standard input needs a --name")
		}
		job.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	if err := a.readScript(&job, file, flags.typeName); err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	return a.storeJob(ctx, c, http.MethodPost, job, flags)
}

func (a *app) jobUpdateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "update NAME [FILE]",
		ValidArgsFunction: a.completeJobThenFile,
		Short:             "Change a stored job; what is not named stays",
		Example: `  gustyctl job update backup --cron "0 3 * * *"
  gustyctl job update backup backup.sh`,
		Args: usage(cobra.RangeArgs(1, 2)),
	}
	flags := newJobFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.updateJob(cmd.Context(), args, flags)
	}
	return cmd
}

// updateJob reads the job and sends it back changed: the route takes the Rust agent's fields as a
// whole.
func (a *app) updateJob(ctx context.Context, args []string, flags *jobFlags) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.job(ctx, args[0])
	if err != nil {
		return err
	}
	var job storedJob
	if err := got.decode(&job); err != nil {
		return err
	}
	if len(args) == 2 {
		if err := a.readScript(&job, args[1], flags.typeName); err != nil {
			return err
		}
	} else if flags.typeName != "" {
		if job.Type, err = parseType(flags.typeName); err != nil {
			return err
		}
	}
	return a.storeJob(ctx, c, http.MethodPut, job, flags)
}
