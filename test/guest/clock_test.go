//go:build linux && amd64

package guest

import (
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	// noticed is how soon a step of the clock is noticed, and started how soon after that a run has
	// ended on this slow machine.
	noticed = 5 * time.Second
	started = 3 * time.Second
	// settled is how long a silence is watched.
	settled = 6 * time.Second
)

// TestClock sets the clock by hand, again and again, under one agent with one set of jobs; see
// "Cron expressions" in the REST contract.
func TestClock(t *testing.T) {
	c := &clock{fixture: start(t, gustyd())}
	for name, expression := range map[string]string{
		"second": "* * * * * *", "every": "@every 2s", "minute": "* * * * *", "hour": "0 * * * *",
	} {
		c.store(t, name, expression, ":", map[string]any{
			"overlap_policy":        "allow",
			"keep_runs":             1000,
			"misfire_grace_seconds": 2,
		})
	}
	c.store(t, "made up", "0 * * * *", ":", map[string]any{
		"misfire_policy":        "run_all",
		"misfire_grace_seconds": 3600,
	})
	c.awaitFiring(t)
	t.Run("two minutes forward", c.testForward)
	t.Run("an hour back", c.testBack)
	t.Run("five hours forward", c.testFarForward)
	t.Run("five hours back", c.testFarBack)
	c.restartFiveHoursBack(t)
	c.expectOnce(t)
}

type clock struct{ *fixture }

// step sets the clock as an operator would, and returns the times right before and after, by the
// clock as it was and as it is.
func (c *clock) step(t *testing.T, by time.Duration) (before, after time.Time) {
	t.Helper()
	before = time.Now().Round(0)
	after = before.Add(by)
	if out, err := exec.Command("date", "-s",
		fmt.Sprintf("@%d.%03d", after.Unix(),
			after.Nanosecond()/1e6)).CombinedOutput(); err != nil {
		t.Fatalf("date: %v %s", err, out)
	}
	return before, after
}

// due returns the due times of a job's runs that are in one of the states, at or after the time.
func (c *clock) due(t *testing.T, job string, from time.Time, states ...string) (due []time.Time) {
	t.Helper()
	for _, state := range states {
		runs, err := c.client.Runs(t.Context(), "script_name="+url.QueryEscape(job)+"&state="+state)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			if run.DueAt != nil && !run.DueAt.Before(from) {
				due = append(due, *run.DueAt)
			}
		}
	}
	return due
}

// awaitFiring waits until both jobs of seconds have fired for a time by the clock as it is now.
func (c *clock) awaitFiring(t *testing.T) {
	t.Helper()
	now := time.Now().Round(0)
	pidspace.Eventually(t, noticed+started, func() error {
		for _, job := range []string{"second", "every"} {
			due := c.due(t, job, now, "succeeded")
			if !slices.ContainsFunc(due, func(at time.Time) bool {
				return at.Before(now.Add(time.Minute))
			}) {
				return fmt.Errorf("nothing of %q has fired within %s since %s", job, noticed+
					started, now.UTC())
			}
		}
		return nil
	})
}

// testForward expects of every time that was passed over one record: it fired late, or was missed.
func (c *clock) testForward(t *testing.T) {
	before, after := c.step(t, 2*time.Minute)
	c.awaitFiring(t)
	for due := before.Truncate(time.Minute).Add(time.Minute); due.Before(after); due = due.Add(
		time.Minute) {
		if n := c.outcomes(t, "minute", due); n != 1 {
			t.Errorf("the firing due at %s has %d outcomes", due.UTC(), n)
		}
	}
}

func (c *clock) outcomes(t *testing.T, job string, due time.Time) (n int) {
	t.Helper()
	for _, at := range c.due(t, job, due, "succeeded", "missed", "skipped", "failed",
		"interrupted") {
		if at.Equal(due) {
			n++
		}
	}
	return n
}

// testBack expects silence, and firing again once the clock is right.
func (c *clock) testBack(t *testing.T) {
	c.awaitFiring(t)
	before, _ := c.step(t, -time.Hour)
	fired := c.fired(t)
	timer := time.NewTimer(settled)
	defer timer.Stop()
	<-timer.C
	// What was on its way when the clock was set may still start.
	if now := c.fired(t); now > fired+4 {
		t.Errorf("%d firings in the hour that came again", now-fired)
	}
	for _, job := range []string{"second", "every"} {
		for _, due := range c.due(t, job, time.Time{}, "succeeded") {
			if due.After(before.Add(2 * time.Second)) {
				t.Errorf("%q fired for %s, when it was %s at most", job, due.UTC(), before.UTC())
			}
		}
	}
	c.step(t, time.Hour)
	c.awaitFiring(t)
}

func (c *clock) fired(t *testing.T) int {
	t.Helper()
	return len(c.due(t, "second", time.Time{}, "succeeded")) +
		len(c.due(t, "every", time.Time{}, "succeeded"))
}

// testFarForward expects that nothing runs for the hours that were passed over, whatever a job's
// policy: all is planned anew. Each has its record all the same.
func (c *clock) testFarForward(t *testing.T) {
	before, after := c.step(t, 5*time.Hour)
	c.awaitFiring(t)
	c.expectNothing(t, before.Add(2*time.Second), after.Add(-time.Second), "succeeded", "skipped")
	for _, job := range []string{"hour", "made up"} {
		if n := len(c.due(t, job, before, "missed")); n != 5 {
			t.Errorf("%q has %d records of firings that were passed over", job, n)
		}
	}
}

// testFarBack expects that nothing fires for times that are yet to come by the clock as it is now.
func (c *clock) testFarBack(t *testing.T) {
	before, _ := c.step(t, -5*time.Hour)
	c.awaitFiring(t)
	c.expectNothing(t, before.Add(2*time.Second), before.Add(24*time.Hour), "succeeded", "missed",
		"skipped")
}

// restartFiveHoursBack stands for a host that boots with a clock that has lost its time.
func (c *clock) restartFiveHoursBack(t *testing.T) {
	t.Helper()
	if _, err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.step(t, -5*time.Hour)
	c.fixture = startIn(t, c.Dir, gustyd())
	c.awaitFiring(t)
}

// expectNothing expects no record in one of the states of any time between the two.
func (c *clock) expectNothing(t *testing.T, from, to time.Time, states ...string) {
	t.Helper()
	for _, job := range []string{"second", "every", "minute", "hour", "made up"} {
		n := 0
		for _, due := range c.due(t, job, from, states...) {
			if due.Before(to) {
				n++
			}
		}
		if n > 0 {
			t.Errorf("%q has %d records of times between %s and %s", job, n, from.UTC(), to.UTC())
		}
	}
}

// expectOnce expects that no due time of a job was run twice.
func (c *clock) expectOnce(t *testing.T) {
	t.Helper()
	runs, err := c.client.Runs(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]agent.Run{}
	for _, run := range runs {
		if run.DueAt == nil || run.StartedAt == nil {
			continue
		}
		key := run.Job + run.DueAt.String()
		if other, twice := seen[key]; twice {
			t.Errorf("%q ran twice for %s: %+v and %+v", run.Job, run.DueAt, other, run)
		}
		seen[key] = run
	}
	if len(seen) < 20 {
		t.Errorf("only %d firings: the test saw nothing", len(seen))
	}
}
