//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one line of the table.
type figure struct {
	what     string
	measured string
	baseline string
	ratio    string
	goal     string
	met      verdict
}

type verdict int

const (
	informs verdict = iota // there is no goal
	reached
	failed
)

func judge(ok bool) verdict {
	if ok {
		return reached
	}
	return failed
}

// printFigures prints the table and returns the number of goals that were missed.
func printFigures(figures []figure) int {
	missed := 0
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tmeasured\tbaseline\tratio\tgoal\tok")
	for _, f := range figures {
		ok := map[verdict]string{informs: "", reached: "yes", failed: "NO"}[f.met]
		if f.met == failed {
			missed++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.what, f.measured, dash(f.baseline),
			dash(f.ratio), dash(f.goal), ok)
	}
	_ = table.Flush()
	return missed
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// memory makes the line of a resident size with its upper goal, both in bytes.
func memory(what string, bytes, goal int64, baseline string) figure {
	return figure{
		what: what, measured: mega(bytes), baseline: baseline, goal: "<= " + mega(goal),
		met: judge(bytes <= goal),
	}
}

func mega(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// quantile returns the value below which the given share of values lies (nearest rank). values is
// sorted in place.
func quantile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(share*float64(len(values)) + 0.999999)
	return values[min(max(rank-1, 0), len(values)-1)]
}

// median returns the middle of some ratios. values is sorted in place.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
