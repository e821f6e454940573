package main

import (
	"fmt"
	"sync"
	"time"
)

// spin shows on a terminal that something goes on and for how long, until the function that it
// returns is called; that one waits until the line is clear again. So does a question on the
// terminal.
func (a *app) spin(what string) (stop func()) {
	if !isTerminal(a.errOut) {
		return func() {}
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { a.turn(what, a.now(), done) })
	a.stopSpin = sync.OnceFunc(func() {
		close(done)
		running.Wait()
	})
	return a.stopSpin
}

func (a *app) turn(what string, since time.Time, done <-chan struct{}) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-done:
			fmt.Fprint(a.errOut, "\r\x1b[K")
			return
		case <-tick.C:
			elapsed := a.now().Sub(since).Truncate(time.Second)
			fmt.Fprintf(a.errOut, "\r\x1b[K%c %s, %s", `|/-\`[i%4], what, humaneDuration(elapsed))
		}
	}
}
