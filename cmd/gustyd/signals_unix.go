//go:build !windows

package main

import (
	"os"
	"syscall"
)

// reloadSignals ask for the certificate and the log file to be opened anew.
func reloadSignals() []os.Signal { return []os.Signal{syscall.SIGHUP} }

// outlivedSignals must not end the agent: a closed pipe on standard error is an error of writing
// and no more. They are not ignored, since a script would inherit that.
func outlivedSignals() []os.Signal { return []os.Signal{syscall.SIGPIPE} }
