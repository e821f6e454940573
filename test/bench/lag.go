//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gusty/test/agent"
)

const (
	lagGoal      = 20 * time.Millisecond
	lagRatioGoal = 1.5
)

// measureLag takes the time from a job's due time to its script's first instruction, which writes
// down the time. In turns with it, half a second later, a bare timer starts the same script by
// os/exec: the baseline.
func measureLag(ctx context.Context, b *bench) ([]figure, error) { return b.lag(ctx, "lag", "") }

// measureCrowdedLag does the same with many other jobs in the agent's heap.
func measureCrowdedLag(ctx context.Context, b *bench) ([]figure, error) {
	jobs := 100_000
	if b.quick {
		jobs = 5_000
	}
	if err := b.seed(ctx, "crowd", jobs); err != nil {
		return nil, err
	}
	return b.lag(ctx, "crowd", fmt.Sprintf(", with %d other jobs", jobs))
}

// lag measures on the data directory of the given name.
func (b *bench) lag(ctx context.Context, name, when string) ([]figure, error) {
	process, err := b.start(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	ours, bare := filepath.Join(b.dir, name+"-ours"), filepath.Join(b.dir, name+"-bare")
	client, err := process.Client()
	if err != nil {
		return nil, err
	}
	body := agent.JobBody("lag", "* * * * * *", noteTime(ours))
	if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job", body); err != nil {
		return nil, err
	}
	client.Close()
	if err := fireBare(ctx, b.lagSeconds(), noteTime(bare),
		filepath.Join(b.dir, name+"-script")); err != nil {
		return nil, err
	}
	mine, err := lags(ours, 0)
	if err != nil {
		return nil, err
	}
	base, err := lags(bare, time.Second/2)
	if err != nil {
		return nil, err
	}
	return lagFigures(when, mine, base), nil
}

func (b *bench) lagSeconds() int {
	if b.quick {
		return 15
	}
	return 300
}

// noteTime is a script whose first instruction writes the time into a file; EPOCHREALTIME is bash's
// own and starts no process.
func noteTime(file string) string { return fmt.Sprintf("echo \"$EPOCHREALTIME\" >>'%s'\n", file) }

// fireBare starts the script at the middle of so many seconds.
func fireBare(ctx context.Context, seconds int, script, file string) error {
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return err
	}
	due := time.Now().Truncate(time.Second).Add(time.Second + time.Second/2)
	for range seconds {
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		if err := exec.CommandContext(ctx, "bash", file).Run(); err != nil {
			return err
		}
		due = due.Add(time.Second)
	}
	return nil
}

// lags reads the times that a script wrote, and returns how far each is behind the due time of its
// second.
func lags(file string, offset time.Duration) ([]time.Duration, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the script never ran: %w", err)
	}
	var all []time.Duration
	for line := range strings.FieldsSeq(string(data)) {
		var seconds, micros int64
		if _, err := fmt.Sscanf(strings.Replace(line, ",", ".", 1), "%d.%d", &seconds,
			&micros); err != nil {
			return nil, fmt.Errorf("%s holds %q: %w", file, line, err)
		}
		lag := time.Duration(micros)*time.Microsecond - offset
		if lag > time.Second/2 { // it began before its second
			lag -= time.Second
		}
		all = append(all, lag)
	}
	return all, nil
}

func lagFigures(when string, ours, bare []time.Duration) []figure {
	early := 0
	for _, lag := range ours {
		if lag < 0 {
			early++
		}
	}
	p99, base99 := quantile(ours, 0.99), quantile(bare, 0.99)
	p50, base50 := quantile(ours, 0.5), quantile(bare, 0.5)
	met := p99 <= lagGoal && float64(p99) <= lagRatioGoal*float64(base99) && early == 0
	return []figure{
		{
			what: fmt.Sprintf("due time to first instruction%s, p99 of %d (%d early)", when,
				len(ours), early), measured: millis(p99),
			baseline: millis(base99) + " timer + os/exec", ratio: ratio(p99, base99),
			goal: fmt.Sprintf("<= %s, <= %.1f", millis(lagGoal), lagRatioGoal), met: judge(met),
		},
		{
			what:     "the same, median",
			measured: millis(p50),
			baseline: millis(base50),
			ratio:    ratio(p50, base50),
		},
	}
}

func ratio(a, b time.Duration) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}
