package main

import (
	"fmt"
	"io"
	"time"
)

// meter shows on a terminal how far a copy is. It belongs to one goroutine.
type meter struct {
	to    io.Writer // nil: nobody watches
	now   func() time.Time
	what  string
	total int64 // 0: unknown
	done  int64
	shown time.Time
}

// meter begins to show a copy of total bytes; what says in one word what is done.
func (a *app) meter(what string, total int64) *meter {
	m := &meter{now: a.now, what: what, total: total}
	if isTerminal(a.errOut) {
		m.to = a.errOut
	}
	return m
}

// Write counts what was copied.
func (m *meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	if now := m.now(); m.to != nil && now.Sub(m.shown) >= 200*time.Millisecond {
		m.shown = now
		fmt.Fprintf(m.to, "\r\x1b[K%s, %s", m.what, m)
	}
	return len(p), nil
}

// String returns "12.0 MiB of 30.5 MiB, 39 %".
func (m *meter) String() string {
	if m.total < max(m.done, 1) {
		return humaneBytes(float64(m.done))
	}
	return fmt.Sprintf("%s of %s, %d %%", humaneBytes(float64(m.done)),
		humaneBytes(float64(m.total)), 100*m.done/m.total)
}

// end clears the line.
func (m *meter) end() {
	if m.to != nil && !m.shown.IsZero() {
		fmt.Fprint(m.to, "\r\x1b[K")
	}
}
