//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// vegeta runs the pinned vegeta of tools/go.mod.
type vegeta struct {
	dir     string // for its files
	ca      string
	options options
}

// report is what of vegeta's report (`vegeta report -type=json`) is printed. Durations are
// nanoseconds there.
type report struct {
	name      string
	Latencies struct {
		P50 time.Duration `json:"50th"`
		P95 time.Duration `json:"95th"`
		P99 time.Duration `json:"99th"`
		Max time.Duration `json:"max"`
	} `json:"latencies"`
	Requests   uint64         `json:"requests"`
	Throughput float64        `json:"throughput"` // successful requests a second
	Success    float64        `json:"success"`    // 0 to 1
	Codes      map[string]int `json:"status_codes"`
	Errors     []string       `json:"errors"`
}

func (v vegeta) run(ctx context.Context, p profile) (report, error) {
	targets := filepath.Join(v.dir, p.name+".targets")
	results := filepath.Join(v.dir, p.name+".results")
	if err := os.WriteFile(targets, []byte(p.targets), 0o600); err != nil {
		return report{}, err
	}
	defer os.Remove(results)
	connections := strconv.Itoa(v.options.connections)
	_, err := v.tool(ctx, "attack", "-name", p.name, "-targets", targets, "-output", results,
		"-root-certs", v.ca,
		"-duration", v.options.duration.String(), "-rate", strconv.Itoa(v.options.rate), "-workers",
		connections,
		"-max-workers", connections, "-connections", connections, "-max-connections", connections)
	if err != nil {
		return report{}, err
	}
	out, err := v.tool(ctx, "report", "-type", "json", results)
	if err != nil {
		return report{}, err
	}
	r := report{name: p.name}
	return r, json.Unmarshal(out, &r)
}

func (v vegeta) tool(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go",
		append([]string{"tool", "-modfile=tools/go.mod", "vegeta"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("vegeta %s: %w", args[0], err)
	}
	return out, nil
}

func printReports(reports []report, o options) {
	fmt.Printf("\n%d keep-alive connections, %s each\n", o.connections, o.duration)
	fmt.Printf("%-10s %10s %10s %9s %9s %9s %9s %9s\n", "profile", "requests", "answers/s",
		"p50 ms", "p95 ms", "p99 ms", "max ms", "success")
	for _, r := range reports {
		fmt.Printf("%-10s %10d %10.0f %9.2f %9.2f %9.2f %9.2f %8.2f%%\n", r.name, r.Requests,
			r.Throughput,
			milliseconds(r.Latencies.P50), milliseconds(r.Latencies.P95),
			milliseconds(r.Latencies.P99), milliseconds(r.Latencies.Max), 100*r.Success)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// requireSuccess returns an error where an answer was not one of success.
func requireSuccess(reports []report) error {
	for _, r := range reports {
		if r.Success < 1 {
			return fmt.Errorf("profile %s: answers by status %v, errors %q", r.name, r.Codes,
				r.Errors)
		}
	}
	return nil
}
