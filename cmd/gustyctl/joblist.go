package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) jobListCommand() *cobra.Command {
	var long bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the jobs",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.listJobs(cmd.Context(), long) },
	}
	cmd.Flags().BoolVarP(&long, "long", "l", false, "with expression, next firing and last run (two requests a job)")
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
	return []string{name, job.Type.String(), job.Cron, a.nextText(state.Next), a.lastText(state.LastRun), state.String()}, nil
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

// jobState is what is shown of GET /agent/job/state.
type jobState struct {
	Next        *time.Time `json:"next_due_at"`
	LastRun     *runRecord `json:"last_run"`
	Enabled     bool       `json:"enabled"`
	Paused      bool       `json:"paused"`
	Quarantined bool       `json:"quarantined"`
	Firing      bool       `json:"firing"` // whether the agent fires anything at all

	FailureStreak    int    `json:"failure_streak"`
	QuarantineReason string `json:"quarantine_reason"`
}

func (s jobState) String() string {
	switch {
	case s.Quarantined:
		return "quarantined"
	case s.Paused:
		return "paused"
	case !s.Enabled:
		return "disabled"
	case !s.Firing:
		return "all firing is stopped"
	default:
		return "active"
	}
}

// fires says whether nothing keeps the job from firing.
func (s jobState) fires() bool { return s.Enabled && s.Firing && !s.Paused && !s.Quarantined }

// standing is String within a sentence: what keeps it from firing, all of it.
func (s jobState) standing() string {
	var said []string
	for _, obstacle := range []struct {
		there bool
		text  string
	}{
		{s.Quarantined, "quarantined"}, {s.Paused, "paused"}, {!s.Enabled, "switched off"}, {!s.Firing, "kept from firing with all others (job start)"},
	} {
		if obstacle.there {
			said = append(said, obstacle.text)
		}
	}
	if len(said) == 0 {
		return "active"
	}
	return strings.Join(said, ", and ")
}
