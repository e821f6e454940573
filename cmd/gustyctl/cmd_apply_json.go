package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// encoded returns a value as JSON, as the agent writes it.
func encoded(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// printPlanJSON prints the plan, or what came of it, for a program.
func (a *app) printPlanJSON(p *applyPlan, dryRun bool) error {
	type changedJob struct {
		Name   string   `json:"script_name"`
		Fields []string `json:"fields"`
	}
	out := struct {
		DryRun    bool         `json:"dry_run"`
		Created   []string     `json:"created"`
		Changed   []changedJob `json:"changed"`
		Deleted   []string     `json:"deleted"`
		Unchanged []string     `json:"unchanged"`
	}{dryRun, []string{}, []changedJob{}, append([]string{}, p.deleted...), append([]string{},
		p.unchanged...)}
	for _, c := range p.changes {
		if c.exists {
			out.Changed = append(out.Changed, changedJob{c.file.Job.Name, c.fields})
		} else {
			out.Created = append(out.Created, c.file.Job.Name)
		}
	}
	return a.printJSON([]byte(encoded(out)))
}
