package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

// maxClockSkew is how far the two clocks may be apart before firing times and log times confuse
// people.
const maxClockSkew = 5 * time.Second

// check is one thing that doctor looks at. An error is a fault; the text says what was found.
type check struct {
	name string
	look func(ctx context.Context, c *client) (string, error)
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check the way to the agent and what the agent says of itself",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

// doctor makes every check that can be made, and returns the exit code of the first fault.
func (a *app) doctor(ctx context.Context) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	var first error
	var lines [][]string
	for _, check := range a.checks() {
		text, err := check.look(ctx, c)
		verdict := "ok"
		if err != nil {
			verdict, text = "FAULT", err.Error()
			if first == nil {
				first = &exit.Error{
					Code:  exit.Code(err),
					Text:  check.name + " is at fault",
					Cause: err,
				}
			}
		}
		lines = append(lines, []string{verdict, check.name, text})
		if exit.Code(err) == exit.Unreachable && err != nil {
			break // the same sentence for every further check would tell nothing new
		}
	}
	if first == nil || exit.Code(first) != exit.Unreachable {
		lines = append(lines, capabilityLines(ctx, c)...)
	}
	return errors.Join(a.printTable(nil, lines), first)
}

// capabilityLines tell what the agent's host offers to runs. What is not there is no fault: jobs
// that need it are refused when they are stored. An agent that does not tell, or that can't be
// asked, has no lines; the checks say why.
func capabilityLines(ctx context.Context, c *client) (lines [][]string) {
	got, err := c.call(ctx, get("/agent/info"))
	if err != nil {
		return nil
	}
	var info struct {
		Capabilities []struct {
			Name      string `json:"name"`
			Available bool   `json:"available"`
			Detail    string `json:"detail"`
		} `json:"capabilities"`
	}
	if got.decode(&info) != nil {
		return nil
	}
	for _, one := range info.Capabilities {
		verdict := "ok"
		if !one.Available {
			verdict = "none"
		}
		lines = append(lines, []string{verdict, one.Name, one.Detail})
	}
	return lines
}

func (a *app) checks() []check {
	return []check{
		{"agent", checkReady},
		{"credentials", checkCredentials},
		{"clock", a.checkClock},
		{"versions", checkVersions},
		{"outbox", checkOutbox},
	}
}

func checkReady(ctx context.Context, c *client) (string, error) {
	ready, err := c.readiness(ctx)
	if err != nil {
		return "", err
	}
	if ready.degraded() {
		return "", exit.Failedf("the agent is %s", ready)
	}
	return ready.String() + " at " + c.target.url.String(), ready.failure()
}

func checkCredentials(ctx context.Context, c *client) (string, error) {
	_, err := c.call(ctx, get(statusPath))
	return "user " + c.target.user, err
}

func (a *app) checkClock(ctx context.Context, c *client) (string, error) {
	got, err := c.call(ctx, get(statusPath))
	if err != nil {
		return "", err
	}
	date := got.header.Get("Date")
	if date == "" {
		return "not told", nil
	}
	theirs, err := time.Parse(time.RFC1123, date)
	if err != nil {
		return "", exit.Failedf("the agent's date %q cannot be read", date)
	}
	// A Date has whole seconds, so that the true difference is up to a second more.
	if skew := a.now().Sub(theirs).Abs(); skew > maxClockSkew {
		return "",
			exit.Failedf("the agent's clock and this one are %s apart; set both by NTP",
				humaneDuration(skew))
	}
	return "within " + humaneDuration(maxClockSkew), nil
}

func checkVersions(ctx context.Context, c *client) (string, error) {
	got, err := c.call(ctx, get("/agent/version"))
	if err != nil {
		return "", err
	}
	var agent agentVersion
	if err := got.decode(&agent); err != nil {
		return "", err
	}
	return fmt.Sprintf("agent %s, gustyctl %s", agent.Version, thisBuild().Version), nil
}

func checkOutbox(ctx context.Context, c *client) (string, error) {
	got, err := c.call(ctx, get(outboxPath))
	if err != nil {
		return "", err
	}
	var outbox struct {
		Waiting   uint64 `json:"waiting"`
		State     string `json:"state"`
		Dead      uint64 `json:"dead_letters"`
		LastError string `json:"last_error"`
	}
	if err := got.decode(&outbox); err != nil {
		return "", err
	}
	if trouble := strings.HasPrefix(outbox.State, "backing off") ||
		strings.HasPrefix(outbox.State, "paused"); trouble {
		return "",
			exit.Failedf("%d documents wait; %s; see: gustyctl opensearch check", outbox.Waiting,
				outbox.State)
	}
	if outbox.Dead > 0 {
		return "", exit.Failedf("%d documents were refused and are kept; last error: %s; see: "+
			"gustyctl outbox dead ls; mend what it names, then: gustyctl "+
			"outbox dead retry, or rm", outbox.Dead,
			cmp.Or(outbox.LastError, "none since the agent was started"))
	}
	return fmt.Sprintf("%d documents wait; %s", outbox.Waiting, outbox.State), nil
}
