//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"gusty/test/agent"
)

const (
	burstStartGoal = 1.6 // times what a plain loop needs until it has started its last process
	burstSpeedGoal = 0.6 // of the runs a second of a plain loop
)

// measureBurst lets 1,000 jobs be due at the same second, in turns with a plain loop over os/exec
// that starts as many processes, as many at a time as the agent does: 2 a core. First with a script
// that does nothing, for when the last one starts; then with one that prints, for the runs a second
// that are recorded with their output. The agent's times are those of its records.
func measureBurst(ctx context.Context, b *bench) ([]figure, error) {
	silent, err := b.bursts(ctx, "burst-true", "true")
	if err != nil {
		return nil, err
	}
	printing, err := b.bursts(ctx, "burst-echo", "echo some output")
	if err != nil {
		return nil, err
	}
	start, speed := median(silent.starts), median(printing.speeds)
	return []figure{
		{
			what: fmt.Sprintf(
				"%d jobs due in one second: the last one starts after (%d bursts)", silent.jobs,
				len(silent.starts)),
			measured: millis(quantile(silent.ours, 0.5)),
			baseline: millis(quantile(silent.bare, 0.5)) + " os/exec",
			ratio:    fmt.Sprintf("%.2f", start),
			goal:     fmt.Sprintf("<= %.1f", burstStartGoal), met: judge(start <= burstStartGoal),
		},
		{
			what:     "runs a second, recorded with their output",
			measured: fmt.Sprintf("%.0f/s", median(printing.rates)),
			baseline: fmt.Sprintf("%.0f/s os/exec", median(printing.bareRates)),
			ratio:    fmt.Sprintf("%.2f", speed),
			goal:     fmt.Sprintf(">= %.1f", burstSpeedGoal), met: judge(speed >= burstSpeedGoal),
		},
	}, nil
}

// bursts are what some bursts took.
type bursts struct {
	jobs             int
	ours, bare       []time.Duration // until the last start
	starts           []float64       // ours in terms of bare
	rates, bareRates []float64       // runs a second
	speeds           []float64       // ours in terms of bare
}

// burstEvery is the time between two bursts of the agent; the plain loop has its turn half way.
const burstEvery = 20 * time.Second

func (b *bench) bursts(ctx context.Context, name, script string) (*bursts, error) {
	jobs, rounds := 1000, 5
	if b.quick {
		jobs, rounds = 300, 2
	}
	process, err := b.start(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := storeJobs(ctx, client, jobs, "*/20 * * * * *", script); err != nil {
		return nil, err
	}
	result := &bursts{jobs: jobs}
	due := time.Now().Truncate(burstEvery).Add(burstEvery)
	if time.Until(due) < 2*time.Second { // the last jobs may have come too late for it
		due = due.Add(burstEvery)
	}
	for range rounds {
		if err := pause(ctx, time.Until(due.Add(burstEvery/2))); err != nil {
			return nil, err
		}
		bareStart, bareTook, err := plainLoop(ctx, jobs, script)
		if err != nil {
			return nil, err
		}
		start, took, err := burstOf(ctx, client, due, jobs)
		if err != nil {
			return nil, err
		}
		result.add(start, took, bareStart, bareTook)
		due = due.Add(burstEvery)
	}
	return result, nil
}

func (r *bursts) add(start, took, bareStart, bareTook time.Duration) {
	rate, bareRate := float64(r.jobs)/took.Seconds(), float64(r.jobs)/bareTook.Seconds()
	r.ours, r.bare = append(r.ours, start), append(r.bare, bareStart)
	r.starts = append(r.starts, float64(start)/float64(bareStart))
	r.rates, r.bareRates = append(r.rates, rate), append(r.bareRates, bareRate)
	r.speeds = append(r.speeds, rate/bareRate)
}

func storeJobs(ctx context.Context, client *agent.Client, jobs int, expression,
	script string,
) error {
	for i := range jobs {
		body := agent.JobBody(fmt.Sprintf("job %04d", i), expression, script)
		if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job",
			body); err != nil {
			return err
		}
	}
	return nil
}

// plainLoop runs the script so many times, and gives when the last one was started and when all had
// ended.
func plainLoop(ctx context.Context, count int, script string) (lastStart, took time.Duration,
	err error,
) {
	work := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	begun := time.Now()
	for range 2 * runtime.NumCPU() {
		all.Go(func() {
			for range work {
				started := time.Since(begun)
				_, failed := exec.CommandContext(ctx, "bash", "-c", script).Output()
				mu.Lock()
				lastStart = max(lastStart, started)
				if failed != nil {
					err = failed
				}
				mu.Unlock()
			}
		})
	}
	for range count {
		work <- struct{}{}
	}
	close(work)
	all.Wait()
	return lastStart, time.Since(begun), err
}

// burstOf reads the records of the runs that were due at the given time: all must be there, and
// have succeeded.
func burstOf(ctx context.Context, client *agent.Client, due time.Time, jobs int) (lastStart,
	took time.Duration, err error,
) {
	var page struct {
		Items []struct {
			State     string    `json:"state"`
			DueAt     time.Time `json:"due_at"`
			StartedAt time.Time `json:"started_at"`
			EndedAt   time.Time `json:"ended_at"`
		} `json:"items"`
	}
	body, err := client.Want(ctx, http.StatusOK, http.MethodGet,
		fmt.Sprintf("/agent/runs?limit=%d", jobs), "")
	if err != nil {
		return 0, 0, err
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return 0, 0, err
	}
	found := 0
	for _, run := range page.Items {
		if !run.DueAt.Equal(due) {
			continue
		}
		if run.State != "succeeded" {
			return 0, 0, fmt.Errorf("a run of a burst is %s", run.State)
		}
		found++
		lastStart, took = max(lastStart, run.StartedAt.Sub(due)), max(took, run.EndedAt.Sub(due))
	}
	if found != jobs {
		return 0, 0,
			fmt.Errorf("%d runs of %d jobs due at %s are recorded", found, jobs,
				due.Format(time.TimeOnly))
	}
	return lastStart, took, nil
}
