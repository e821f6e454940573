package main

import (
	"fmt"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
)

func (p *applyPlan) empty() bool { return len(p.changes) == 0 && len(p.deleted) == 0 }

// count returns how many jobs are created and how many changed.
func (p *applyPlan) count() (created, changed int) {
	for _, c := range p.changes {
		if c.exists {
			changed++
		} else {
			created++
		}
	}
	return created, changed
}

// summary is one line: "2 created, 1 changed, 997 unchanged".
func (p *applyPlan) summary(prefix, create, change, remove string) string {
	if p.empty() {
		return fmt.Sprintf("unchanged: %s", plural(len(p.unchanged), "job"))
	}
	created, changed := p.count()
	var parts []string
	for _, part := range []struct {
		n    int
		verb string
	}{{created, create}, {changed, change}, {len(p.deleted), remove}, {
		len(p.unchanged),
		"unchanged",
	}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.verb))
		}
	}
	return prefix + strings.Join(parts, ", ")
}

// dryRunOutcome is the error of a run that changed nothing.
func (p *applyPlan) dryRunOutcome(asExitCode bool) error {
	if !asExitCode || p.empty() {
		return nil
	}
	return exit.NewExitError(exit.Differs, "the agent's jobs are not those of the directory")
}

// plural returns "1 job", "2 jobs".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
