package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/jobfile"
	"gusty/messages"
)

const applyHelp = `Make the agent's jobs those of a directory. Each .yaml file holds one job, or several as documents (---), under the names of the REST
interface, with the script's file beside it:

  script_name: backup
  script: backup.sh              # or the text itself, as content: |
  cron_expression: "30 2 * * *"
  time_zone: Europe/Berlin
  timeout_seconds: 1h            # or 3600
  environment: {TARGET: /srv/backup}

Times and sizes take units (90s, 1h30m, 64MiB). What a file leaves out has its default, and is not kept as it was stored; whether a job is
paused is not part of it. The type of the script is told by its first line or its name, or by script_type: bash or python. A value ` + "`********`" + `
in the environment keeps the one that the agent has, so that a secret can be set once (job update --env TOKEN) and stay out of the files.

Every file is checked first, by the agent too: where anything is wrong, all of it is listed and nothing is changed. Values of the environment are
never shown: the agent compares them. A second run changes nothing. A --dry-run exits with 0 whatever it finds, unless --exit-code is given.`

// applyOptions are the flags of apply.
type applyOptions struct {
	dir      string
	prune    bool
	dryRun   bool
	exitCode bool
	yes      bool
}

func (a *app) applyCommand() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply -f DIRECTORY",
		Short: "Make the agent's jobs those of a directory of YAML files and scripts",
		Long:  applyHelp,
		Example: `  gustyctl apply -f jobs --dry-run
  gustyctl apply -f jobs --prune`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.apply(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.dir, "file", "f", "", "the `directory`")
	flags.BoolVar(&o.prune, "prune", false, "delete the jobs that the directory does not have")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	flags.BoolVar(&o.exitCode, "exit-code", false,
		"with --dry-run, exit with 5 where something would change")
	flags.BoolVar(&o.yes, "yes", false, "delete without asking on a terminal")
	return cmd
}

func (a *app) apply(ctx context.Context, o applyOptions) error {
	switch {
	case o.dir == "":
		return exit.Usagef("say which directory holds the jobs: gustyctl apply -f DIRECTORY")
	case o.exitCode && !o.dryRun:
		return exit.Usagef("--exit-code goes with --dry-run")
	}
	dir, err := jobfile.LoadDir(o.dir)
	if err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return a.withProblems(dir.Problems, err)
	}
	plan, err := a.planApply(ctx, c, dir, o.prune)
	if err != nil {
		return err
	}
	if err := a.showPlan(plan, o.dryRun); err != nil {
		return err
	}
	if o.dryRun || plan.empty() {
		return plan.dryRunOutcome(o.exitCode)
	}
	if err := a.consent(ctx, plan.deleted, o.yes); err != nil {
		return err
	}
	return a.carryOut(ctx, c, plan)
}

// withProblems shows what is wrong in the files before an error that kept the rest from being
// looked at.
func (a *app) withProblems(problems []jobfile.Problem, err error) error {
	for _, p := range problems {
		a.note("%s", p)
	}
	return err
}

// consent asks before jobs are deleted, where there is a terminal to ask on. Elsewhere --prune
// itself is the word.
func (a *app) consent(ctx context.Context, names []string, yes bool) error {
	if len(names) == 0 || yes || !isTerminal(a.in) {
		return nil
	}
	agreed, err := a.confirm(ctx, "Delete "+plural(len(names), "job")+"?")
	if err == nil && !agreed {
		err = exit.Failedf("nothing was changed")
	}
	return err
}

// step is one request of an apply, and the job that it is about.
type step struct {
	name    string
	request request
}

func (p *applyPlan) steps() []step {
	var steps []step
	for _, c := range p.changes {
		method := http.MethodPost
		if c.exists {
			method = http.MethodPut
		}
		steps = append(steps, step{c.file.Job.Name, request{
			method: method,
			path:   jobPath,
			body:   c.file.Body(),
		}})
	}
	for _, name := range p.deleted {
		steps = append(steps, step{name, request{
			method: http.MethodDelete,
			path:   jobPath,
			query:  query("script_name", name),
		}})
	}
	return steps
}

// carryOut makes the changes one by one, deletions last, and stops at the first that fails: what
// failed for one would fail for more.
func (a *app) carryOut(ctx context.Context, c *client, p *applyPlan) error {
	steps := p.steps()
	bar := a.bar("applying", len(steps))
	for i, s := range steps {
		if _, err := c.call(ctx, s.request); err != nil {
			bar.stop()
			a.noteProgress(steps, i, err)
			return &exit.Error{Code: exit.Code(err), Text: s.name + ": " + err.Error(), Cause: err}
		}
		bar.step()
	}
	bar.stop()
	if a.json {
		return a.printPlanJSON(p, false)
	}
	return a.printLine(p.summary("", "created", "changed", "deleted"))
}

// noteProgress says what was done and what was not when the step i failed. Of that one itself the
// outcome may be unknown.
func (a *app) noteProgress(steps []step, i int, err error) {
	a.note("done: %s", listOf(steps[:i]))
	if outcomeUnknown(err) {
		a.note("not known: %s; the same apply again settles it", listOf(steps[i:i+1]))
		i++
	}
	a.note("not done: %s", listOf(steps[i:]))
}

// outcomeUnknown reports whether a request that failed may have been carried out nevertheless: it
// was not where the agent refused it.
func outcomeUnknown(err error) bool {
	refused := messages.AsError(err)
	return refused == nil ||
		slices.Contains([]messages.Code{
			messages.CodeUnavailable, messages.CodeTimeout,
			messages.CodeInternal,
		}, refused.Code)
}

// listOf names the jobs of steps, the first of them where they are many.
func listOf(steps []step) string {
	const most = 10
	if len(steps) == 0 {
		return "nothing"
	}
	text := plural(len(steps), "job") + " ("
	for i, s := range steps {
		switch {
		case i == most:
			return text + ", …)"
		case i > 0:
			text += ", "
		}
		text += s.name
	}
	return text + ")"
}
