//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gusty/messages"
)

// A week of ten runs a second, through the real store; time is given. The bound of the history
// shrinks with the week where it is short, so that as many times of what is kept pass through.
const (
	weekOfRuns    = 7 * 24 * 3600 * 10
	weekBound     = 256 << 20
	weekPart      = 10
	weekQuickPart = 200
	weekJobs      = 200
	weekGoal      = 1.2
)

// measureWeek looks at the size of the file once the bounds are reached, and when the week is over.
func measureWeek(ctx context.Context, b *bench) ([]figure, error) {
	part := weekPart
	switch {
	case b.week:
		part = 1
	case b.quick:
		part = weekQuickPart
	}
	dir := b.data("week")
	runs, bound := weekOfRuns/part, weekBound/part
	f, err := newFiller(dir)
	if err != nil {
		return nil, err
	}
	week := week{
		filler: f,
		file:   filepath.Join(dir, "gusty.db"),
		runs:   runs,
		since:  time.Now().Add(-7 * 24 * time.Hour),
	}
	begun := time.Now()
	err = week.pass(ctx, bound)
	if err = errors.Join(err, f.close()); err != nil {
		return nil, err
	}
	ratio := float64(week.end) / float64(week.steady)
	return []figure{{
		what: fmt.Sprintf("a week of 10 runs a second: %d runs in %s, bound of %s", runs,
			time.Since(begun).Round(time.Second), mega(int64(bound))),
		measured: mega(week.end), baseline: mega(week.steady) + " after two days",
		ratio: fmt.Sprintf("%.2f", ratio),
		goal:  fmt.Sprintf("<= %.1f", weekGoal), met: judge(ratio <= weekGoal),
	}}, nil
}

type week struct {
	*filler
	file        string
	runs        int
	since       time.Time
	steady, end int64
}

// pass lets all runs pass through the store, three rows each.
func (w *week) pass(ctx context.Context, bound int) (err error) {
	w.put(messages.ParameterRow{Name: messages.ParamRunsLimitBytes, Local: strconv.Itoa(bound)})
	for n := range weekJobs {
		job := messages.Job{
			Name:           fmt.Sprint("job ", n),
			CronExpression: "@daily",
			Type:           messages.ScriptBash,
			Options:        messages.DefaultJobOptions(),
		}
		job.Options.KeepRuns = 10_000
		w.put(messages.JobRow{Job: job})
	}
	const together = 250
	for n := 0; n < w.runs && ctx.Err() == nil && w.err == nil; n += together {
		for _, state := range []messages.RunState{
			messages.RunQueued, messages.RunRunning,
			messages.RunSucceeded,
		} {
			for i := n; i < n+together; i++ {
				at := w.since.Add(time.Duration(i) * (7 * 24 * time.Hour / time.Duration(w.runs)))
				w.put(messages.RunRow{Run: runOf(i, fmt.Sprint("job ", i%weekJobs), at, state)})
			}
			w.commit()
		}
		if w.steady == 0 && n >= w.runs*2/7 {
			w.steady, err = size(w.file)
		}
	}
	end, endErr := size(w.file)
	w.end = end
	return errors.Join(err, endErr, ctx.Err())
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
