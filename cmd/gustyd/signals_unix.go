//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// reloadSignals ask for the certificate and the log file to be opened anew.
func reloadSignals() []os.Signal { return []os.Signal{syscall.SIGHUP} }

// ignoreSignals keeps a closed pipe on standard error from ending the agent.
func ignoreSignals() { signal.Ignore(syscall.SIGPIPE) }
