package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	barWidth = 30
	// barPause is between two pictures of the bar; what is over sooner shows none.
	barPause = 200 * time.Millisecond
)

// bar shows on a terminal how much of a number of steps is done, and elsewhere nothing.
type bar struct {
	app         *app
	what        string
	done, total int
	drawn       time.Time
	shown       bool
}

func (a *app) bar(what string, total int) *bar {
	return &bar{app: a, what: what, total: total, drawn: a.now()}
}

func (b *bar) step() {
	b.done++
	if now := b.app.now(); isTerminal(b.app.errOut) && now.Sub(b.drawn) >= barPause {
		b.drawn, b.shown = now, true
		full := barWidth * b.done / b.total
		fmt.Fprintf(b.app.errOut, "\r\x1b[K%s [%s%s] %d of %d", b.what, strings.Repeat("#", full),
			strings.Repeat(".", barWidth-full), b.done, b.total)
	}
}

// stop clears the line. It may be called again.
func (b *bar) stop() {
	if b.shown {
		b.shown = false
		fmt.Fprint(b.app.errOut, "\r\x1b[K")
	}
}
