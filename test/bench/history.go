//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gusty/messages"
	"gusty/test/agent"
)

// The goals of an agent with a long history.
const (
	pageGoal          = 5 * time.Millisecond
	historyStartGoal  = 2500 * time.Millisecond
	historyPeakGoal   = 120_000_000
	historyRestedGoal = 60_000_000
)

// history says how much is stored: half of the runs are of a few busy jobs, the others of all of
// them.
type history struct{ jobs, busy, runs int }

func (b *bench) history() history {
	if b.quick {
		return history{jobs: 5000, busy: 10, runs: 50_000}
	}
	return history{jobs: 100_000, busy: 100, runs: 1_000_000}
}

// measureHistory fills the store of a stopped agent, starts it, and asks for pages of a hundred
// runs in every way.
func measureHistory(ctx context.Context, b *bench) ([]figure, error) {
	h := b.history()
	if _, err := b.storeJobs(ctx, "history", 0); err != nil {
		// the first start makes all but the rows
		return nil, err
	}
	begun := time.Now()
	middle, err := h.fill(b.data("history"))
	if err != nil {
		return nil, err
	}
	filled := time.Since(begun)
	process, err := agent.Launch(ctx, agent.Options{Binary: b.binary, Dir: b.data("history")})
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	first, _, err := firstAnswers(ctx, process)
	if err != nil {
		return nil, err
	}
	started, err := agent.ReadMemory(process.PID)
	if err != nil {
		return nil, err
	}
	figures, err := pageFigures(ctx, process, h, middle)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.wait); err != nil {
		return nil, err
	}
	rested, err := agent.ReadMemory(process.PID)
	what := fmt.Sprintf("%d jobs, %d runs: ", h.jobs, h.runs)
	return append([]figure{
		{
			what:     what + "stored by the committer",
			measured: fmt.Sprintf("%.0f/s", float64(h.runs+h.jobs)/filled.Seconds()),
		},
		{
			what:     what + "exec to the first answer",
			measured: millis(first),
			goal:     "<= " + millis(historyStartGoal),
			met:      judge(first <= historyStartGoal),
		},
		memory(what+"highest VmRSS up to there", started.Peak, historyPeakGoal, ""),
		memory(what+"VmRSS "+b.wait.String()+" later", rested.Resident, historyRestedGoal, ""),
	}, figures...), err
}

// fill stores the jobs and runs, and returns the id of the run in the middle.
func (h history) fill(dir string) (middle string, err error) {
	f, err := newFiller(dir)
	if err != nil {
		return "", err
	}
	f.put(messages.ParameterRow{Name: messages.ParamRunsLimitBytes, Local: "1099511627776"})
	for n := range h.jobs {
		job := messages.Job{
			Name:           h.name(n),
			Content:        []byte("true\n"),
			CronExpression: fmt.Sprintf("%d %d 1 1 *", n%60, n/60%24),
			Type:           messages.ScriptBash,
		}
		job.Options = messages.DefaultJobOptions()
		job.Options.KeepRuns = 10_000
		f.put(messages.JobRow{Job: job})
	}
	states := []messages.RunState{
		messages.RunSucceeded, messages.RunFailed, messages.RunCancelled,
		messages.RunTimedOut,
	}
	since := time.Now().Add(-24 * time.Hour)
	step := 24 * time.Hour / time.Duration(h.runs)
	for n := range h.runs {
		job := h.name(n / 2 % h.busy)
		if n%2 == 1 {
			job = h.name(n % h.jobs)
		}
		at := since.Add(time.Duration(n) * step)
		f.put(messages.RunRow{Run: runOf(n, job, at, states[n/2/h.busy%len(states)])})
		if n == h.runs/2 {
			middle = runID(n, at)
		}
	}
	return middle, f.close()
}

func (history) name(n int) string { return fmt.Sprintf("job-%06d", n) }

// pageFigures takes the times of pages of a hundred runs over one connection.
func pageFigures(ctx context.Context, process *agent.Process, h history,
	middle string,
) (figures []figure, err error) {
	config, err := process.TLS()
	if err != nil {
		return nil, err
	}
	credentials, err := process.Credentials()
	if err != nil {
		return nil, err
	}
	w, err := dialWire(ctx, local(process.Port), config)
	if err != nil {
		return nil, err
	}
	defer w.close()
	job := "script_name=" + h.name(1)
	for _, query := range []string{"", job + "&", "state=failed&", job + "&state=failed&"} {
		for _, before := range []string{"", "before=" + middle + "&"} {
			full := query + before + "limit=100"
			took, err := medianTime(50, func() error {
				return w.ask(request(credentials, http.MethodGet, "/agent/runs?"+full, ""))
			})
			if err != nil {
				return nil, err
			}
			figures = append(figures, figure{
				what:     "100 of them: " + strings.ReplaceAll(full, middle, "ID"),
				measured: millis(took), goal: "<= " + millis(pageGoal),
				met: judge(took <= pageGoal),
			})
		}
	}
	return figures, nil
}

func medianTime(times int, f func() error) (time.Duration, error) {
	var took []time.Duration
	for range times {
		begun := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begun))
	}
	return quantile(took, 0.5), nil
}
