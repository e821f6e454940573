package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

const (
	runsPath = "/agent/runs"
	// maxPage is the most runs that the agent gives at a time.
	maxPage = 1000
)

// runRecord is what is shown of a run.
type runRecord struct {
	ID         string            `json:"run_id"`
	ScriptName string            `json:"script_name"`
	State      messages.RunState `json:"state"`
	Reason     string            `json:"reason"`
	Trigger    string            `json:"trigger"`
	DueAt      *time.Time        `json:"due_at"`
	StartedAt  *time.Time        `json:"started_at"`
	EndedAt    *time.Time        `json:"ended_at"`
	DurationMS *int64            `json:"duration_ms"`
	ExitCode   *int              `json:"exit_code"`
	Signal     *string           `json:"signal"`
	Attempt    int               `json:"attempt"`
	Count      int               `json:"count"` // firings or runs that the record stands for
}

// ending says how the run ended: "failed: it exited with 3", "timed_out", "missed: agent was down".
func (r *runRecord) ending() string {
	text := string(r.State)
	switch {
	case r.Signal != nil && *r.Signal != "" && r.Reason == "":
		text += " by signal " + *r.Signal
	case r.ExitCode != nil && *r.ExitCode != 0 && r.Reason == "":
		text += " with exit code " + strconv.Itoa(*r.ExitCode)
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

func (a *app) runCommand() *cobra.Command {
	return group("run", "Show runs, their output, and cancel them",
		a.runListCommand(), a.runShowCommand(), a.runLogsCommand(), a.runCancelCommand())
}

func (a *app) runListCommand() *cobra.Command {
	var job, state, before string
	var limit int
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List runs, newest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxPage {
				return exit.Usagef("--limit is %d; it takes 1 to %d", limit, maxPage)
			}
			return a.listRuns(cmd.Context(), get(runsPath,
				"script_name", job, "state", state, "before", before, "limit", strconv.Itoa(limit)))
		},
	}
	cmd.Flags().StringVar(&job, "job", "", "only those of the job of this `name`")
	cmd.Flags().StringVar(&state, "state", "", "only those in this `state`: "+
		strings.Join(runStates(), " "))
	cmd.Flags().StringVar(&before, "before", "", "only those older than the run of this `id`")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	// the flag is there
	_ = cmd.RegisterFlagCompletionFunc("job", a.completeJobs)
	// likewise
	_ = cmd.RegisterFlagCompletionFunc("state",
		cobra.FixedCompletions(runStates(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runStates() []string {
	var names []string
	for _, state := range messages.RunStates() {
		names = append(names, string(state))
	}
	return names
}

func (a *app) listRuns(ctx context.Context, req request) error {
	got, err := a.call(ctx, req)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var page struct {
		Items []runRecord `json:"items"`
		Next  string      `json:"next"`
	}
	if err := got.decode(&page); err != nil {
		return err
	}
	lines := make([][]string, len(page.Items))
	for i := range page.Items {
		lines[i] = a.runLine(&page.Items[i])
	}
	if err := a.printTable([]string{"RUN", "JOB", "STARTED", "TOOK", "TRIGGER", "STATE"},
		lines); err != nil {
		return err
	}
	if page.Next != "" {
		a.note("older ones: --before %s", page.Next)
	}
	return nil
}

func (a *app) runLine(r *runRecord) []string {
	began, took := "-", "-"
	if r.StartedAt != nil {
		began = a.localTime(*r.StartedAt)
	} else if r.DueAt != nil {
		began = "(due " + a.localTime(*r.DueAt) + ")"
	}
	if r.DurationMS != nil {
		took = humaneDuration(time.Duration(*r.DurationMS) * time.Millisecond)
	}
	return []string{r.ID, r.ScriptName, began, took, r.Trigger, r.ending()}
}

// runPath is the path of one run.
func runPath(id string) string { return runsPath + "/" + url.PathEscape(id) }

// run asks for one run; the answer is given too, for --json.
func (c *client) run(ctx context.Context, id string) (*runRecord, json.RawMessage, error) {
	got, err := c.call(ctx, get(runPath(id)))
	if err != nil {
		return nil, nil, err
	}
	var record runRecord
	if err := got.decode(&record); err != nil {
		return nil, nil, err
	}
	return &record, got.body, nil
}
