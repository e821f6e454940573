package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/jobfile"
	"gusty/messages"
)

// applyPlan is what an apply is going to do.
type applyPlan struct {
	changes   []jobChange // in order of names
	deleted   []string
	unchanged []string
}

// jobChange is a job that is to be created or changed.
type jobChange struct {
	file        *jobfile.File
	exists      bool
	fields      []string // that change, of a job that exists
	environment []string // names of variables that change
	stored      map[string]json.RawMessage
	warning     string
}

// checkAnswer is what POST /agent/job/check tells.
type checkAnswer struct {
	Exists      bool     `json:"exists"`
	Changed     []string `json:"changed"`
	Environment []string `json:"changed_environment"`
	Warning     string   `json:"warning"`
}

// planApply has the agent check and compare every job. Where anything is wrong, in the files or to
// the agent, all of it is shown and the error says that nothing was changed.
func (a *app) planApply(ctx context.Context, c *client, dir *jobfile.Dir, prune bool) (*applyPlan,
	error,
) {
	plan, problems := &applyPlan{}, dir.Problems
	bar := a.bar("checking", len(dir.Jobs))
	defer bar.stop()
	for _, file := range dir.Jobs {
		wrong, err := plan.compare(ctx, c, file)
		if err != nil {
			bar.stop()
			return nil, a.withProblems(problems, err)
		}
		problems = append(problems, wrong...)
		bar.step()
	}
	bar.stop()
	if len(problems) > 0 {
		slices.SortStableFunc(problems, comparePlaces)
		return nil,
			a.withProblems(problems,
				exit.Usagef("%s in %s; nothing was changed", plural(len(problems), "problem"),
					dir.Path))
	}
	if prune {
		return plan, plan.findPruned(ctx, c, dir)
	}
	return plan, nil
}

func comparePlaces(a, b jobfile.Problem) int {
	if a.Path != b.Path {
		return strings.Compare(a.Path, b.Path)
	}
	return a.Line - b.Line
}

// compare asks the agent what storing the job would do.
func (p *applyPlan) compare(ctx context.Context, c *client, file *jobfile.File) ([]jobfile.Problem,
	error,
) {
	got, err := c.call(ctx, request{
		method: http.MethodPost,
		path:   jobPath + "/check",
		body:   file.Body(),
	})
	switch refused := messages.AsError(err); {
	case refused != nil && refused.Code == messages.CodeInvalid:
		return []jobfile.Problem{file.Problem(refused.Field, refused.Message)}, nil
	case refused != nil &&
		(refused.Code == messages.CodeNoSuchRoute || refused.Code == messages.CodeMethodNotAllowed):
		return nil, exit.Failedf("this agent cannot compare jobs: it is older than gustyctl, and " +
			"apply needs it to be as new")
	case err != nil:
		return nil, err
	}
	var told checkAnswer
	if err := got.decode(&told); err != nil {
		return nil, err
	}
	change := jobChange{
		file:        file,
		exists:      told.Exists,
		fields:      told.Changed,
		environment: told.Environment,
		warning:     told.Warning,
	}
	return p.take(ctx, c, change)
}

// take files the job under what is to be done with it.
func (p *applyPlan) take(ctx context.Context, c *client, change jobChange) ([]jobfile.Problem,
	error,
) {
	masked := change.file.MaskedNames()
	if change.exists && (len(change.fields) > 0 || len(masked) > 0) {
		got, err := c.job(ctx, change.file.Job.Name)
		if err != nil {
			return nil, err
		}
		if err := got.decode(&change.stored); err != nil {
			return nil, err
		}
	}
	if lost := missingOf(masked, change.storedNames()); len(lost) > 0 {
		return []jobfile.Problem{change.file.Problem("environment",
			fmt.Sprintf("%s: the agent has no value to keep; write it out",
				strings.Join(lost, ", ")))}, nil
	}
	if change.exists && len(change.fields) == 0 {
		p.unchanged = append(p.unchanged, change.file.Job.Name)
	} else {
		p.changes = append(p.changes, change)
	}
	return nil, nil
}

// storedNames returns the names of the stored environment.
func (c *jobChange) storedNames() []string {
	var environment map[string]string
	if json.Unmarshal(c.stored["environment"], &environment) != nil {
		return nil
	}
	names := make([]string, 0, len(environment))
	for name := range environment {
		names = append(names, name)
	}
	return names
}

// missingOf returns what of names is not among known.
func missingOf(names, known []string) (lost []string) {
	for _, name := range names {
		if !slices.Contains(known, name) {
			lost = append(lost, name)
		}
	}
	return lost
}

func (p *applyPlan) findPruned(ctx context.Context, c *client, dir *jobfile.Dir) error {
	got, err := c.call(ctx, get(jobsPath))
	if err != nil {
		return err
	}
	var names []string
	if err := got.decode(&names); err != nil {
		return err
	}
	p.deleted = slices.DeleteFunc(names, dir.Has)
	return nil
}
