package main

import (
	"os"
	"os/signal"
	"syscall"
)

// signalWatch turns signals into channels.
type signalWatch struct {
	stopped chan os.Signal
	reload  chan os.Signal
}

func watchSignals() *signalWatch {
	w := &signalWatch{stopped: make(chan os.Signal, 2), reload: make(chan os.Signal, 1)}
	signal.Notify(w.stopped, os.Interrupt, syscall.SIGTERM)
	if signals := reloadSignals(); len(signals) > 0 {
		signal.Notify(w.reload, signals...)
	}
	if signals := outlivedSignals(); len(signals) > 0 {
		signal.Notify(make(chan os.Signal, 1), signals...) // nobody reads it
	}
	return w
}

func (w *signalWatch) stop() {
	signal.Stop(w.stopped)
	signal.Stop(w.reload)
}

// endAtSecond ends the process without further ado when it is asked to stop once more.
func (w *signalWatch) endAtSecond() {
	<-w.stopped
	os.Exit(exitAtOnce)
}
