package transfer

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"

	"gusty/internal/cron"
	"gusty/messages"
	"gusty/messages/table"
)

// fillJob takes a row of scheduled_jobs; its options may come with a later row.
func (c *Collector) fillJob(item *messages.ImportItem, r table.JobTableRow) {
	if r.Type != int64(messages.ScriptPython) && r.Type != int64(messages.ScriptBash) {
		refuse(item, "script_type is neither 0 (Python) nor 1 (Bash)")
		return
	}
	item.Job = &messages.ImportJob{Patch: &messages.JobOptionsPatch{}, Job: messages.Job{
		Name: r.Name, Content: bytes.ReplaceAll(r.Content, []byte{'\r'}, nil),
		CronExpression: r.CronExpression, Arguments: r.Arguments,
		Type: messages.ScriptType(r.Type), OpenSearchIndex: r.OpenSearchIndex,
		OpenSearchEnabled: r.OpenSearchEnabled != 0,
		Options:           messages.DefaultJobOptions(),
	}}
	// What is wrong with the options is told when they are there.
	if e := messages.AsError(item.Job.Job.Validate()); e != nil && e.Field != "opensearch_index" {
		refuse(item, e.Error())
	}
}

// finishJob checks the job with its options. One that could not fire as it says comes in disabled,
// and says why: the Rust agent stored such jobs, and an import loses nothing.
func (c *Collector) finishJob(item *messages.ImportItem) {
	job := &item.Job.Job
	if e := messages.AsError(job.Options.Validate()); e != nil {
		refuse(item, e.Error())
		return
	}
	if left := maskedNames(job.Options.Environment); len(left) > 0 {
		item.Notes = append(item.Notes, "values of the environment were left out of the export, "+
			"and stay as they are here or are missing: "+
			strings.Join(left, ", "))
	}
	if c.neverFires(job) {
		item.Notes = append(item.Notes, fmt.Sprintf("the expression %q never fires: no such date "+
			"lies ahead", job.CronExpression))
	}
	for _, fault := range c.faults(job) {
		item.Notes = append(item.Notes, fault+"; the job comes in disabled")
		off := false
		job.Options.Enabled = false
		if item.Job.Patch != nil {
			item.Job.Patch.Enabled = &off
		}
	}
}

func maskedNames(environment map[string]messages.Secret) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if environment[name] == messages.Mask {
			names = append(names, name)
		}
	}
	return names
}

// neverFires says of a job that is valid whether it has no firing ahead.
func (c *Collector) neverFires(job *messages.Job) bool {
	schedule, err := cron.Parse(job.CronExpression)
	if err != nil || schedule.IsReboot() {
		return false
	}
	location, err := cron.LoadLocation(job.Options.TimeZone)
	return err == nil && schedule.NextAfter(c.rules.Now, c.rules.Now, location).IsZero()
}

// faults returns a sentence for each thing that keeps the job from running as it says.
func (c *Collector) faults(job *messages.Job) (sentences []string) {
	if _, err := cron.Parse(job.CronExpression); err != nil {
		sentences = append(sentences, "cron_expression: "+err.Error())
	}
	if _, err := cron.LoadLocation(job.Options.TimeZone); err != nil {
		sentences = append(sentences, "time_zone: "+err.Error())
	}
	if _, err := shellquote.Split(job.Arguments); err != nil {
		sentences = append(sentences, "arguments: a quote or a backslash at the end has no "+
			"counterpart")
	}
	if err := messages.ValidateIndexName("opensearch_index", job.OpenSearchIndex); err != nil {
		sentences = append(sentences, err.Error())
	}
	if c.rules.CheckLimits != nil {
		if err := c.rules.CheckLimits(&job.Options); err != nil {
			sentences = append(sentences, err.Error())
		}
	}
	return sentences
}
