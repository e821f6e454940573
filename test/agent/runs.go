package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Run is what a test wants to know of one; see Run in the REST contract.
type Run struct {
	ID         string     `json:"run_id"`
	Job        string     `json:"script_name"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	Trigger    string     `json:"trigger"`
	DueAt      *time.Time `json:"due_at"`
	StartedAt  *time.Time `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at"`
	DurationMS int64      `json:"duration_ms"`
	ExitCode   *int       `json:"exit_code"`
	Count      int        `json:"count"` // firings or runs that the record stands for
	UserMS     int64      `json:"cpu_user_ms"`
	SystemMS   int64      `json:"cpu_system_ms"`

	StdoutBytes     int64 `json:"stdout_bytes"`
	StdoutTruncated bool  `json:"stdout_truncated"`
}

// Active reports whether the run has not ended yet.
func (r *Run) Active() bool { return r.State == "queued" || r.State == "running" }

// Never is a cron expression for jobs that only run when they are told to.
const Never = "0 0 29 2 *"

// StartJob runs a stored job now.
func (c *Client) StartJob(ctx context.Context, name string) (Run, error) {
	return c.run(ctx, http.StatusAccepted, http.MethodPost, "/agent/job/run?script_name="+
		url.QueryEscape(name))
}

// Run returns one run.
func (c *Client) Run(ctx context.Context, id string) (Run, error) {
	return c.run(ctx, http.StatusOK, http.MethodGet, "/agent/runs/"+id)
}

func (c *Client) run(ctx context.Context, status int, method, path string) (r Run, err error) {
	body, err := c.Want(ctx, status, method, path, "")
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	return r, err
}

// AwaitEnd asks for a run until it has ended.
func (c *Client) AwaitEnd(ctx context.Context, id string) (Run, error) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		r, err := c.Run(ctx, id)
		if err != nil || !r.Active() {
			return r, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return r, fmt.Errorf("run %s of %s is still %s: %w", id, r.Job, r.State, ctx.Err())
		}
	}
}

// Runs returns all runs that the query ("script_name=…&state=…") selects, newest first.
func (c *Client) Runs(ctx context.Context, query string) (all []Run, err error) {
	for before := ""; ; {
		body, err := c.Want(ctx, http.StatusOK, http.MethodGet, "/agent/runs?limit=1000&"+query+
			before, "")
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []Run
			Next  *string
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == nil {
			return all, nil
		}
		before = "&before=" + *page.Next
	}
}
