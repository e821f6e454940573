//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"gusty/test/agent"
)

// The goals of one agent's life: at rest, under load, at rest again.
const (
	idleGoal    = 7_000_000
	afterGoal   = 10_000_000
	loadedGoal  = 24_000_000
	cpuGoal     = 0.002 // of a core
	metricGoal  = 0.8   // of the bare server's rate
	restingJobs = 100
)

// measureRest starts an agent with a hundred jobs and looks at its memory and processor time at
// rest, serves it flat out, and looks again.
func measureRest(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.seed(ctx, "rest", restingJobs); err != nil {
		return nil, err
	}
	process, err := b.start(ctx, "rest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	idle, err := b.idle(ctx, process)
	if err != nil {
		return nil, err
	}
	loaded, err := b.loaded(ctx, process)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.wait); err != nil {
		return nil, err
	}
	after, err := residents(ctx, process.PID, restSpell)
	if err != nil {
		return nil, err
	}
	rested := memory(fmt.Sprintf("resident %s after that load, median", b.wait),
		after[len(after)/2], afterGoal, "10.3 MB Rust agent")
	return append(append(idle, loaded...), rested), nil
}

// idle returns the memory at rest and the processor time of a minute without requests.
func (b *bench) idle(ctx context.Context, process *agent.Process) ([]figure, error) {
	if err := pause(ctx, b.wait); err != nil {
		return nil, err
	}
	before, err := agent.ReadCPU(process.PID)
	if err != nil {
		return nil, err
	}
	resident, err := residents(ctx, process.PID, b.wait)
	if err != nil {
		return nil, err
	}
	used, err := agent.ReadCPU(process.PID)
	if err != nil {
		return nil, err
	}
	share := float64(used-before) / float64(b.wait)
	return []figure{
		memory(fmt.Sprintf("resident %s after start, 100 jobs, idle, median", b.wait),
			resident[len(resident)/2], idleGoal, "7.3 MB Rust agent"),
		memory("  the same, 99th percentile (the host is sampled meanwhile)",
			resident[len(resident)*99/100], afterGoal, ""),
		{
			what:     fmt.Sprintf("idle processor time over %s, 100 jobs", b.wait),
			measured: fmt.Sprintf("%.2f %%", 100*share),
			goal:     fmt.Sprintf("<= %.1f %%", 100*cpuGoal), met: judge(share <= cpuGoal),
		},
	}, nil
}

// restSpell is how long the memory of an agent at rest is read, where nothing else is measured
// meanwhile.
const restSpell = 3 * time.Second

// residents reads a process's resident memory every hundredth of a second for a time, and returns
// it in order of size.
func residents(ctx context.Context, pid int, during time.Duration) ([]int64, error) {
	var found []int64
	for end := time.Now().Add(during); time.Now().Before(end); {
		memory, err := agent.ReadMemory(pid)
		if err != nil {
			return nil, err
		}
		found = append(found, memory.Resident)
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return found, nil
}

// loaded serves GET /agent/metric flat out on 64 connections, in turns with a bare server that
// writes the same bytes.
func (b *bench) loaded(ctx context.Context, process *agent.Process) ([]figure, error) {
	ours, bare, stop, err := b.metricFleets(ctx, process)
	if err != nil {
		return nil, err
	}
	defer stop()
	peak := agent.WatchMemory(ctx, process.PID, 50*time.Millisecond)
	var ratios, rates, bases []float64
	for range b.rounds {
		rate, err := ours.flatOut(b.spell)
		if err != nil {
			peak()
			return nil, err
		}
		base, err := bare.flatOut(b.spell)
		if err != nil {
			peak()
			return nil, err
		}
		ratios, rates, bases = append(ratios, rate/base), append(rates, rate), append(bases, base)
	}
	share := median(ratios)
	return []figure{
		memory("resident while 64 connections are served flat out", peak(), loadedGoal, ""),
		{
			what:     "GET /agent/metric, 64 connections",
			measured: fmt.Sprintf("%.0f/s", median(rates)),
			baseline: fmt.Sprintf("%.0f/s bare fasthttp", median(bases)),
			ratio:    fmt.Sprintf("%.2f", share), goal: fmt.Sprintf(">= %.1f", metricGoal),
			met: judge(share >= metricGoal),
		},
	}, nil
}

// metricFleets connects to the agent and to a bare server that answers with the bytes that the
// agent gave.
func (b *bench) metricFleets(ctx context.Context, process *agent.Process) (ours, bare *fleet,
	stop func(), err error,
) {
	client, err := process.Client()
	if err != nil {
		return nil, nil, nil, err
	}
	defer client.Close()
	body, err := client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/metric", "")
	if err != nil {
		return nil, nil, nil, err
	}
	config, err := process.TLS()
	if err != nil {
		return nil, nil, nil, err
	}
	server, err := startBare(ctx, filepath.Join(process.Dir, "tls"), b.dir, body)
	if err != nil {
		return nil, nil, nil, err
	}
	ask := request(client.Credentials, http.MethodGet, "/agent/metric", "")
	if ours, bare, err = bothFleets(ctx, process.Port, server.port, config, ask); err != nil {
		server.stop()
		return nil, nil, nil, err
	}
	return ours, bare, func() { ours.close(); bare.close(); server.stop() }, nil
}

func bothFleets(ctx context.Context, port, barePort int, config *tls.Config, ask []byte) (ours,
	bare *fleet, err error,
) {
	same := func(int) []byte { return ask }
	first, err := dialUntil(ctx, barePort, config)
	if err != nil {
		return nil, nil, err
	}
	first.close()
	if bare, err = dialFleet(ctx, connections, local(barePort), config, same); err != nil {
		return nil, nil, err
	}
	if ours, err = dialFleet(ctx, connections, local(port), config, same); err != nil {
		bare.close()
		return nil, nil, err
	}
	return ours, bare, nil
}
