package main

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

const (
	jobPath  = "/agent/job"
	jobsPath = "/agent/jobs"
)

func (a *app) jobCommand() *cobra.Command {
	return group("job", "Show, store, run and pause jobs",
		a.jobListCommand(), a.jobShowCommand(), a.jobAddCommand(), a.jobUpdateCommand(),
		a.jobRemoveCommand(), a.jobRunCommand(),
		a.jobStateCommand(), a.jobExplainCommand(), a.jobPauseCommand(), a.jobResumeCommand(),
		a.jobPreviewCommand(), a.jobExportCommand(), a.firingCommand("start"),
		a.firingCommand("stop"),
	)
}

func (a *app) jobShowCommand() *cobra.Command {
	var scriptOnly bool
	cmd := &cobra.Command{
		Use:               "show NAME",
		ValidArgsFunction: a.completeJob,
		Short:             "Show a stored job, or its script",
		Args:              oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showJob(cmd.Context(), args[0], scriptOnly)
		},
	}
	cmd.Flags().BoolVar(&scriptOnly, "script", false, "print the script and nothing else")
	return cmd
}

func (a *app) showJob(ctx context.Context, name string, scriptOnly bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.job(ctx, name)
	if err != nil {
		return err
	}
	if a.json && !scriptOnly {
		return a.printJSON(got.body)
	}
	script, err := got.script()
	if err != nil {
		return err
	}
	if scriptOnly {
		return a.write(script)
	}
	fields, err := got.Fields()
	if err != nil {
		return err
	}
	rows := a.rows(without(fields, "content"), "")
	return a.printRows(append(rows,
		[2]string{"script", humaneBytes(float64(len(script))) + "; --script prints it"}))
}

// job asks for one stored job. The name of none means the list of all, so an empty one is refused
// here.
func (c *client) job(ctx context.Context, name string) (*answer, error) {
	if name == "" {
		return nil, exit.Usagef("the job's name must not be empty")
	}
	return c.call(ctx, get(jobsPath, "name", name))
}

// script decodes the content of a job.
func (r *answer) script() ([]byte, error) {
	var job struct {
		Content string `json:"content"`
	}
	if err := r.decode(&job); err != nil {
		return nil, err
	}
	script, err := base64.StdEncoding.DecodeString(job.Content)
	if err != nil {
		return nil, exit.Failedf("the job's content is not base64 (%w); see it with --json", err)
	}
	return script, nil
}

func (a *app) jobRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME...",
		ValidArgsFunction: a.completeJobs,
		Short:             "Delete jobs; runs under way end by themselves",
		Args:              usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.removeJobs(cmd.Context(), args)
		},
	}
}

func (a *app) removeJobs(ctx context.Context, names []string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		got, err := c.call(ctx, request{
			method: http.MethodDelete,
			path:   jobPath,
			query:  query("script_name", name),
		})
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON(got.body)
		} else {
			err = a.printLine(name + ": " + got.sentence())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) jobStateCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "state NAME",
		ValidArgsFunction: a.completeJob,
		Short: "Show when a job fires next, its last run, and whether it is paused " +
			"or quarantined",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), get(jobPath+"/state", "script_name", args[0]))
		},
	}
}

func (a *app) jobPauseCommand() *cobra.Command {
	return a.jobSwitchCommand("pause", "Stop firing one job until it is resumed")
}

func (a *app) jobResumeCommand() *cobra.Command {
	return a.jobSwitchCommand("resume", "Fire a paused job again; a quarantine is lifted too")
}

func (a *app) jobSwitchCommand(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " NAME",
		ValidArgsFunction: a.completeJob,
		Short:             short,
		Args:              oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.switchJob(cmd.Context(), verb, args[0])
		},
	}
}

// switchJob pauses or resumes a job, and says how it stands then.
func (a *app) switchJob(ctx context.Context, verb, name string) error {
	got, err := a.call(ctx, request{
		method: http.MethodPut,
		path:   jobPath + "/" + verb,
		query:  query("script_name", name),
	})
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var state jobState
	if err := got.decode(&state); err != nil {
		return err
	}
	text := name + " is " + state.standing()
	if state.fires() && state.Next != nil {
		text += "; it fires next at " + a.localTime(*state.Next) + ", " + a.distance(*state.Next)
	}
	return a.printLine(text)
}

// firingCommand makes `job start` and `job stop`, which are named after the routes and move the
// switch of all firing.
func (a *app) firingCommand(verb string) *cobra.Command {
	short := "Resume all scheduled firing (the counterpart of stop); to run one job now: job run " +
		"NAME"
	if verb == "stop" {
		short = "Pause all scheduled firing, across restarts too; runs under way go on. To pause " +
			"one job: job pause NAME"
	}
	return &cobra.Command{
		Use:   verb,
		Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exit.Usagef(
				"job %s moves the switch of all firing and takes no name; for one job "+
					"use job run, pause or resume", verb)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.say(cmd.Context(), put(jobsPath+"/"+verb, nil))
		},
	}
}
