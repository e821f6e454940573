//go:build linux

// Command bench measures what Gusty promises in figures, on the machine it runs on, and prints one
// table. Every speed is a ratio to a baseline that is measured in the same run, in turns with it: a
// bare fasthttp server, bare bbolt, a bare timer with os/exec. `make bench` runs it.
//
// The whole takes about half an hour, half of it waiting for the agent to be idle; -quick takes
// four minutes and shows whether all of it works, with figures that mean less. The exit code is 0
// where everything could be measured; with -strict also every goal must be reached.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is what every measurement gets.
type bench struct {
	binary string // gustyd
	dir    string // an empty directory of this run
	quick  bool
	week   bool          // the whole of it
	wait   time.Duration // for the agent to come to rest
	spell  time.Duration // of one round of load
	rounds int
}

// measurement returns the lines that it adds to the table.
type measurement struct {
	name string
	take func(context.Context, *bench) ([]figure, error)
}

func measurements() []measurement {
	return []measurement{
		{"size", measureSize},
		{"start", measureStart},
		{"puts", measurePuts},
		{"heap", measureHeap},
		{"history", measureHistory},
		{"compact", measureCompact}, // of that history
		{"week", measureWeek},
		{"lag", measureLag},
		{"crowd", measureCrowdedLag},
		{"burst", measureBurst},
		{"rest", measureRest}, // idle memory and processor time, then load, then memory after it
		{"flood", measureFlood},
		{"printers", measurePrinters},
		{"export", measureExport},
		{"rotate", measureRotate},
		{"ship", measureShip}, // to a real OpenSearch node, where Java and Maven are here
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		serveBare(os.Args[2:])
		return
	}
	b := &bench{wait: time.Minute, spell: 5 * time.Second, rounds: 3}
	flag.StringVar(&b.binary, "gustyd", "bin/gustyd", "the executable")
	flag.BoolVar(&b.quick, "quick", false, "short rounds and short waits")
	flag.BoolVar(&b.week, "whole-week", false,
		"of the week of runs all 6,048,000, which takes half an hour, instead of a tenth")
	only := flag.String("only", "", "names of the measurements, with commas: "+
		strings.Join(names(), ","))
	parent := flag.String("dir", "", "where the data directories are made; default: the system's "+
		"temporary directory")
	strict := flag.Bool("strict", false, "exit with 1 where a goal is not reached")
	flag.Parse()
	if b.quick {
		b.wait, b.spell, b.rounds = 15*time.Second, time.Second, 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	missed, err := b.run(ctx, *parent, *only)
	cancel()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case missed > 0 && *strict:
		os.Exit(1)
	}
}

func names() []string {
	var all []string
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

// run takes the measurements, prints the table and returns the number of goals that were missed.
func (b *bench) run(ctx context.Context, parent, only string) (missed int, err error) {
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return 0, err
	}
	if b.dir, err = os.MkdirTemp(parent, "gusty-bench-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(b.dir)
	var figures []figure
	for _, m := range measurements() {
		if only != "" && !strings.Contains(","+only+",", ","+m.name+",") {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", m.name)
		taken, err := m.take(ctx, b)
		if err != nil {
			printFigures(figures)
			return 0, fmt.Errorf("%s: %w", m.name, err)
		}
		figures = append(figures, taken...)
	}
	return printFigures(figures), nil
}

// data returns a data directory of the given name.
func (b *bench) data(name string) string { return filepath.Join(b.dir, name) }

// pause waits, or gives the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
