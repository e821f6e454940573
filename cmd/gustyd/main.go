// Command gustyd is the Gusty agent: one daemon per machine that reports the host's health, runs
// scheduled scripts and remote commands, and keeps its state in one encrypted file. It runs in the
// foreground; `gustyd --help` lists the flags.
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

// verifyCommand is how gustyd starts itself to look through the database in a process of its own:
// damage there can end the process that looks.
const verifyCommand = "verify-store"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	process.TightenUmask()
	if err := process.CloseInherited(); err != nil {
		fmt.Fprintln(os.Stderr, "gustyd: inherited descriptors could not be kept from scripts:",
			err)
	}
	if err := process.DefaultSignals(); err != nil {
		fmt.Fprintln(os.Stderr, "gustyd: inherited signals could not be kept from scripts:", err)
	}
	if len(args) == 2 && args[0] == verifyCommand {
		return persistence.VerifyMain(args[1], os.Stdin, os.Stderr)
	}
	crashAsBuilt()
	s, err := parseSettings(args, os.LookupEnv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage + exitHelp())
		return exitStopped
	case err != nil:
		return serve(refusal(err))
	case s.showVersion:
		b := build()
		fmt.Printf("gustyd %s %s %s\n", b.Version, b.Commit, b.Date)
		return exitStopped
	}
	return serve(func(ctx context.Context, manager *service.Manager) int {
		return (&daemon{settings: s, manager: manager}).run(ctx)
	})
}

// refusal returns what runs instead of the agent where a flag or a variable is wrong: the service
// manager is told why, as a person is.
func refusal(err error) service.Main {
	return func(_ context.Context, manager *service.Manager) int {
		line := fmt.Sprintf("%v; gustyd --help lists the flags", err)
		fmt.Fprintf(os.Stderr, "gustyd: %s\n", line)
		_ = manager.Status(line) // standard error has it
		return exitUsage
	}
}

// serve runs main under the service manager that started this process, if one did, and returns the
// exit code.
func serve(main service.Main) int {
	code, err := service.Run(context.Background(), "gusty", main)
	if err != nil {
		fmt.Fprintf(os.Stderr, "gustyd: %v\n", err)
		return exitFailed
	}
	return code
}
