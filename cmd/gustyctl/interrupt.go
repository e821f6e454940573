package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gusty/cmd/gustyctl/internal/exit"
)

// interruptGrace is for a command to put away what it began after a signal.
const interruptGrace = time.Second

// endingSignals are those that end a command in good order. One that is started with nohup goes on
// after a hangup.
func endingSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// endSoon ends the process where the command does not do it: it may wait for a pipe that nobody
// reads. What it was doing to a store is cut off as by a crash, which harms none.
func (a *app) endSoon() {
	time.Sleep(interruptGrace)
	fmt.Fprintln(a.errOut, "gustyctl: interrupted")
	os.Exit(exit.Failed)
}
