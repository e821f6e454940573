package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"gusty/cmd/gustyctl/internal/jobfile"
	"gusty/messages"
)

// showPlan prints what is about to change, job by job: of a new one the fields that are not the
// defaults, of another each field's old and new value.
func (a *app) showPlan(p *applyPlan, dryRun bool) error {
	for _, c := range p.changes {
		if c.warning != "" {
			a.note("warning: %s: %s", c.file.Job.Name, c.warning)
		}
	}
	if a.json {
		if dryRun || p.empty() {
			return a.printPlanJSON(p, dryRun)
		}
		return nil
	}
	for i := range p.changes {
		if err := a.showChange(&p.changes[i]); err != nil {
			return err
		}
	}
	for _, name := range p.deleted {
		if err := a.printLine("- " + name + " is not in the directory"); err != nil {
			return err
		}
	}
	switch {
	case p.empty():
		return a.printLine(p.summary("", "", "", ""))
	case dryRun:
		return a.printLine(p.summary("dry run, nothing was changed: ", "to create", "to change",
			"to delete"))
	default:
		return nil
	}
}

func (a *app) showChange(c *jobChange) error {
	name, where := c.file.Job.Name, jobfile.Place(c.file.Path, c.file.Line)
	if !c.exists {
		return a.printLines("+ "+name+" ("+where+")", c.created())
	}
	return a.printLines("~ "+name+" ("+where+")", c.changed())
}

func (a *app) printLines(head string, lines []string) error {
	if err := a.printLine(head); err != nil {
		return err
	}
	for _, line := range lines {
		if err := a.write([]byte("    " + printableCode(line) + "\n")); err != nil {
			return err
		}
	}
	return nil
}

// printableCode is printable for a line of a script, whose tabs matter.
func printableCode(line string) string {
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = printable(parts[i])
	}
	return strings.Join(parts, "\t")
}

// created returns the fields of a new job that differ from a job's defaults.
func (c *jobChange) created() (lines []string) {
	plain := messages.Job{Options: messages.DefaultJobOptions()}
	for _, field := range jobfile.Fields() {
		is := encoded(field.Value(&c.file.Job))
		switch field.Name {
		case "script_name":
		case "content":
			lines = append(lines, "script: "+c.scriptSummary())
		case "environment":
			for _, name := range sortedNames(c.file.Job.Options.Environment) {
				lines = append(lines, "environment: "+name+" (its value is not shown)")
			}
		default:
			if field.Name == "script_type" || is != encoded(field.Value(&plain)) {
				lines = append(lines, field.Name+": "+shownValue(field.Name, is))
			}
		}
	}
	return lines
}

func (c *jobChange) scriptSummary() string {
	script := string(c.file.Job.Content)
	text := plural(len(slices.Collect(strings.Lines(script))), "line") + ", " +
		humaneBytes(float64(len(script)))
	if c.file.Script != "" {
		text = c.file.Script + ", " + text
	}
	return text
}

func sortedNames(environment map[string]messages.Secret) []string {
	names := make([]string, 0, len(environment))
	for name := range environment {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// changed returns the old and the new value of each field that changes.
func (c *jobChange) changed() (lines []string) {
	for _, field := range jobfile.Fields() {
		switch {
		case !slices.Contains(c.fields, field.Name):
		case field.Name == "content":
			lines = append(lines, c.scriptDiff()...)
		case field.Name == "environment":
			lines = append(lines, c.environmentDiff()...)
		default:
			was, is := string(c.stored[field.Name]), encoded(field.Value(&c.file.Job))
			lines = append(lines, field.Name+": "+shownValue(field.Name, was)+" -> "+
				shownValue(field.Name, is))
		}
	}
	return lines
}

func (c *jobChange) scriptDiff() []string {
	var encodedScript string
	// a script that cannot be read is compared as an empty one
	_ = json.Unmarshal(c.stored["content"], &encodedScript)
	stored, _ := base64.StdEncoding.DecodeString(encodedScript) // likewise
	name := "content"
	if c.file.Script != "" {
		name = c.file.Script
	}
	diff := udiff.Unified("stored", name, string(stored), string(c.file.Job.Content))
	return strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
}

// environmentDiff names the variables that change; their values are shown to nobody.
func (c *jobChange) environmentDiff() (lines []string) {
	stored := c.storedNames()
	for _, name := range c.environment {
		_, stays := c.file.Job.Options.Environment[name]
		what := "another value (not shown)"
		switch {
		case !slices.Contains(stored, name):
			what = "added (its value is not shown)"
		case !stays:
			what = "removed"
		}
		lines = append(lines, "environment: "+name+": "+what)
	}
	return lines
}

// shownValue returns a JSON value for a person to compare: text keeps its quotes, so that an empty
// one and blanks are seen.
func shownValue(name, value string) string {
	switch {
	case name == "script_type" && value == "0":
		return messages.ScriptPython.String()
	case name == "script_type" && value == "1":
		return messages.ScriptBash.String()
	default:
		return value
	}
}
