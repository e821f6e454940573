// Command gustyctl drives a Gusty agent over its REST interface, and sets a password on a host
// whose agent is stopped.
//
// On the agent's own host it finds the agent's address, its CA and the first credentials in the
// data directory; elsewhere they come from flags, GUSTY_… variables or a profile. It verifies TLS
// always, and takes no password from an argument.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/persistence"
)

// version is set by the linker (-X main.version=…); nothing else writes it.
var version string

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main without the exit, so that deferred calls happen.
func run(args []string) int {
	if len(args) == 2 && args[0] == salvageCommand {
		return persistence.SalvageMain(args[1], os.Stdin, os.Stdout, os.Stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), endingSignals()...)
	defer stop()
	a := newApp()
	over := context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process, whatever it waits for
		a.endSoon()
	})
	defer over() // before stop: a command that ends by itself was not interrupted
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exit.OK
	}
	if a.quietly(err) {
		return exit.Code(err)
	}
	fmt.Fprintln(a.errOut, "gustyctl: "+printable(err.Error()))
	return exit.Code(err)
}
