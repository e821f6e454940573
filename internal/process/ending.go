package process

import (
	"sync"
	"time"
)

// ending is the state of a request to end a run: none, asked for with a deadline, or over.
type ending struct {
	mu       sync.Mutex
	deadline time.Time   // zero: nobody asked
	timer    *time.Timer // kills at the deadline
	isOver   bool
}

// Terminate asks every process of the run to end (SIGTERM; Windows: a console break), and kills
// what is left after grace. It returns at once; Wait tells the end. It may be called again: the
// earlier deadline wins. A grace of 0 or less is Kill.
func (p *Process) Terminate(grace time.Duration) {
	if grace <= 0 {
		p.Kill()
		return
	}
	first := p.ending.ask(time.Now().Add(grace), p.killNow)
	if first {
		go func() { p.note("asking the run to end", p.ask()) }()
	}
}

// Kill ends every process of the run. It returns at once; Wait tells the end.
func (p *Process) Kill() { p.ending.ask(time.Now(), p.killNow) }

// killNow is called by the timer, on a goroutine of its own.
func (p *Process) killNow() { p.note("killing the run", p.kill()) }

func (p *Process) note(what string, err error) {
	if err != nil {
		p.host.log.Warn(what+" failed for some of its processes", "pid", p.pid, "error", err)
	}
}

// ask sets or advances the deadline, and reports whether it is the first request.
func (e *ending) ask(deadline time.Time, kill func()) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first = e.deadline.IsZero()
	if e.isOver || (!first && !deadline.Before(e.deadline)) {
		return false
	}
	e.deadline = deadline
	wait := max(0, time.Until(deadline))
	if e.timer == nil {
		e.timer = time.AfterFunc(wait, kill)
	} else {
		e.timer.Reset(wait)
	}
	return first
}

func (e *ending) requested() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.deadline.IsZero()
}

// awaitEmpty lets what outlives the main process have the rest of its grace.
func (e *ending) awaitEmpty(left func() int) {
	for pause := time.Millisecond; left() > 0; pause = min(2*pause, 50*time.Millisecond) {
		remaining := e.remaining()
		if remaining <= 0 {
			return
		}
		time.Sleep(min(pause, remaining))
	}
}

func (e *ending) remaining() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Until(e.deadline)
}

// over stops the timer; what it has begun waits for the tree's lock and finds it released.
func (e *ending) over() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isOver = true
	if e.timer != nil {
		e.timer.Stop()
	}
}
