package main

import (
	"context"

	"gusty/messages"
)

// previewCount is how many firing times are shown after a job was stored.
const previewCount = 3

// storedJob is what job add and job update know of a job; the options that Gusty adds stay with the
// agent.
type storedJob struct {
	Name        string              `json:"script_name"`
	Content     string              `json:"content"` // base64
	Cron        string              `json:"cron_expression"`
	Arguments   string              `json:"arguments"`
	Type        messages.ScriptType `json:"script_type"`
	Index       string              `json:"opensearch_index"`
	OpenSearch  bool                `json:"opensearch_enabled"`
	TimeZone    string              `json:"time_zone"`
	Environment map[string]string   `json:"environment"`
}

func (a *app) storeJob(ctx context.Context, c *client, method string, job storedJob,
	flags *jobFlags,
) error {
	body, err := flags.Body(&job, a.getenv)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, request{method: method, path: jobPath, body: body})
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	if err := a.printLine(job.Name + ": " + got.sentence()); err != nil {
		return err
	}
	var saved struct {
		Warning string `json:"warning"`
	}
	if err := got.decode(&saved); err != nil {
		return err
	}
	if saved.Warning != "" {
		a.note("warning: %s", saved.Warning)
	}
	a.showFirings(ctx, c, job.Cron, job.TimeZone)
	return nil
}

// showFirings prints when a job that was just stored fires next. The job is stored whether that can
// be told or not.
func (a *app) showFirings(ctx context.Context, c *client, cron, timeZone string) {
	if err := a.preview(ctx, c, previewRequest{
		cron:     cron,
		timeZone: timeZone,
		count:    previewCount,
	}); err != nil {
		a.note("the next firing times could not be shown: %v", err)
	}
}
