package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

const (
	statusPath = "/agent/status"
	readyPath  = "/agent/health/ready"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether the agent runs and is ready",
		Long: "Say whether the agent runs and is ready. An agent that runs but is not ready is " +
			"a failure (exit code 1).",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

// overview is what status shows of the agent's answers.
type overview struct {
	pid     json.Number
	version agentVersion
	metric  struct {
		Memory    float64  `json:"memory"`
		CPUUsage  float64  `json:"cpu_usage"`
		DiskUsage float64  `json:"disk_usage"`
		UpTime    float64  `json:"up_time"`
		OSName    string   `json:"os_name"`
		OSVersion string   `json:"os_version"`
		Jobs      []string `json:"jobs"`
	}
	ready readiness
}

type agentVersion struct {
	Version   string `json:"version"`
	BuildDate string `json:"build_date"`
}

func (a *app) status(ctx context.Context) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, get(statusPath))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	o, err := c.overview(ctx)
	if err != nil {
		return err
	}
	if err := a.printRows(a.overviewRows(c, got.sentence(), o)); err != nil {
		return err
	}
	return o.ready.failure()
}

func (c *client) overview(ctx context.Context) (*overview, error) {
	o := &overview{}
	for _, part := range []struct {
		path string
		into any
	}{
		{"/agent/pid", &o.pid},
		{"/agent/version", &o.version},
		{"/agent/metric", &o.metric},
	} {
		got, err := c.call(ctx, get(part.path))
		if err != nil {
			return nil, err
		}
		if err := got.decode(part.into); err != nil {
			return nil, err
		}
	}
	var err error
	o.ready, err = c.readiness(ctx)
	return o, err
}

func (a *app) overviewRows(c *client, status string, o *overview) [][2]string {
	up := time.Duration(o.metric.UpTime * float64(time.Second))
	return [][2]string{
		{"status", status + ", " + o.ready.String()},
		{"url", c.target.url.String()},
		{"version", o.version.Version},
		{"pid", o.pid.String()},
		{
			"host",
			fmt.Sprintf("%s %s, up %s", o.metric.OSName, o.metric.OSVersion, humaneDuration(up)),
		},
		{"cpu", fmt.Sprintf("%.1f %%", o.metric.CPUUsage)},
		{"memory", fmt.Sprintf("%.1f %%", o.metric.Memory)},
		{"disk", fmt.Sprintf("%.1f %%", o.metric.DiskUsage)},
		{"jobs", fmt.Sprint(len(o.metric.Jobs))},
	}
}

// readiness is the answer of /agent/health/ready.
type readiness struct {
	Status     string            `json:"status"`
	Reason     string            `json:"reason"`
	Components map[string]string `json:"components"`
	ok         bool
}

// readiness asks which actors are up; the answer 503 is one too.
func (c *client) readiness(ctx context.Context) (readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var r readiness
	response, err := c.send(ctx, get(readyPath))
	if err != nil {
		return r, err
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil {
		return r,
			exit.Failedf("%s%s answered %s, and not as an agent does; is it one?", c.target.url,
				readyPath, response.Status)
	}
	r.ok = response.StatusCode == http.StatusOK
	return r, nil
}

// degraded reports whether the agent serves, and takes no changes.
func (r readiness) degraded() bool { return r.ok && r.Status == "degraded" }

// String returns "ready", "degraded" with why, or "not ready" with what is in the way.
func (r readiness) String() string {
	if r.degraded() {
		return "degraded, " + r.Reason
	}
	if r.ok {
		return "ready"
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(r.Components)) {
		if state := r.Components[name]; state != "up" {
			faults = append(faults, name+" is "+state)
		}
	}
	if r.Reason != "" {
		faults = append(faults, r.Reason)
	}
	return strings.TrimSuffix("not ready: "+strings.Join(faults, ", "), ": ")
}

func (r readiness) failure() error {
	if r.ok {
		return nil
	}
	return exit.Failedf("the agent is %s; look at its log", r)
}
