// Command gustyd is the Gusty agent: one daemon per machine that reports the host's health, runs scheduled scripts and remote commands, and
// keeps its state in one encrypted file. It runs in the foreground; `gustyd --help` lists the flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"gusty/internal/process"
	"gusty/internal/service"
	"gusty/persistence"
)

// The exit codes.
const (
	exitStopped = 0 // asked to stop
	exitFailed  = 1 // failed at start
	exitUsage   = 2 // bad flags
	exitGaveUp  = 3 // an actor or the store gave up: start afresh
	exitInUse   = 4 // another agent holds the data directory
	exitDamaged = 5 // the database is damaged, or the key is wrong
)

// verifyCommand is how gustyd starts itself to look through the database in a process of its own: damage there can end the process that looks.
const verifyCommand = "verify-store"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if err := process.CloseInherited(); err != nil {
		fmt.Fprintln(os.Stderr, "gustyd: inherited descriptors could not be kept from scripts:", err)
	}
	if err := process.DefaultSignals(); err != nil {
		fmt.Fprintln(os.Stderr, "gustyd: inherited signals could not be kept from scripts:", err)
	}
	if len(args) == 2 && args[0] == verifyCommand {
		return persistence.VerifyMain(args[1], os.Stdin, os.Stderr)
	}
	s, err := parseSettings(args, os.LookupEnv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return exitStopped
	case err != nil:
		fmt.Fprintf(os.Stderr, "gustyd: %v; gustyd --help lists the flags\n", err)
		return exitUsage
	case s.showVersion:
		b := build()
		fmt.Printf("gustyd %s %s %s\n", b.Version, b.Commit, b.Date)
		return exitStopped
	}
	return serve(s)
}

func serve(s settings) int {
	code, err := service.Run(context.Background(), "gusty", func(ctx context.Context, manager *service.Manager) int {
		return (&daemon{settings: s, manager: manager}).run(ctx)
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "gustyd: %v\n", err)
		return exitFailed
	}
	return code
}
