//go:build linux

// Command load starts an agent of its own, runs vegeta on each of deploy/vegeta/*.targets with 64
// keep-alive connections, and prints latencies and the agent's resident memory before, at the peak
// and after. `make load` runs it from the root of the repository.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"gusty/test/agent"
)

type options struct {
	binary      string
	duration    time.Duration
	settle      time.Duration
	rate        int
	connections int
}

func main() {
	var o options
	quick := flag.Bool("quick", false, "3 s a profile, and 10 s until the memory after")
	flag.StringVar(&o.binary, "gustyd", "bin/gustyd", "the executable")
	flag.DurationVar(&o.duration, "duration", 15*time.Second, "of each profile")
	flag.DurationVar(&o.settle, "settle", time.Minute,
		"from the end of the load until the memory is read again")
	flag.IntVar(&o.rate, "rate", 0, "requests a second; 0: as many as are answered")
	flag.IntVar(&o.connections, "connections", 64, "keep-alive connections")
	flag.Parse()
	if *quick {
		o.duration, o.settle = 3*time.Second, 10*time.Second
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run returns an error where the load could not be run, or where requests failed under it.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "gusty-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	process, err := agent.Start(ctx, agent.Options{
		Binary: o.binary,
		Dir:    filepath.Join(dir, "data"),
	})
	if err != nil {
		return err
	}
	defer func() { _ = process.Kill() }()
	if err := prepare(ctx, process); err != nil {
		return err
	}
	v := vegeta{dir: dir, ca: filepath.Join(process.Dir, "tls", "ca.pem"), options: o}
	before, reports, peak, err := attack(ctx, v, process)
	if err != nil {
		return err
	}
	if !wait(ctx, o.settle) {
		return ctx.Err()
	}
	after, err := agent.ReadMemory(process.PID)
	if err != nil {
		return err
	}
	printReports(reports, o)
	fmt.Printf("\nresident memory of gustyd: %.1f MB before, %.1f MB at the peak, %.1f MB %s "+
		"after the load\n",
		megabytes(before.Resident), megabytes(peak), megabytes(after.Resident), o.settle)
	code, err := process.Stop()
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("after the load gustyd ended with exit code %d; it wrote:\n%s", code,
			process.Log())
	}
	return requireSuccess(reports)
}

// attack runs all profiles one after the other, and returns the memory before and the highest that
// was seen meanwhile, in bytes.
func attack(ctx context.Context, v vegeta, process *agent.Process) (agent.Memory, []report, int64,
	error,
) {
	profiles, err := profiles(process)
	if err != nil {
		return agent.Memory{}, nil, 0, err
	}
	before, err := agent.ReadMemory(process.PID)
	if err != nil {
		return before, nil, 0, err
	}
	peak := agent.WatchMemory(ctx, process.PID, 100*time.Millisecond)
	var reports []report
	for _, p := range profiles {
		r, err := v.run(ctx, p)
		if err != nil {
			peak()
			return before, nil, 0, fmt.Errorf("profile %s: %w", p.name, err)
		}
		reports = append(reports, r)
	}
	return before, reports, peak(), nil
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
