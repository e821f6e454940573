package process

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Process is one run that was started. Its methods may be called from any goroutine, Wait from one
// only.
type Process struct {
	host          *Host
	pid           int
	ticks         uint64
	started       time.Time
	killRemaining bool
	killsBefore   int64 // of the OOM killer, when the run began
	main          *mainProcess
	pumps         []*pump

	treeLock sync.Mutex
	tree     tree // nil once released
	ending   ending
}

// PID is the main process's number.
func (p *Process) PID() int { return p.pid }

// StartTicks is when the main process started, in clock ticks after boot (field 22 of
// /proc/<pid>/stat; Windows: its creation time in 100 ns since 1601), to tell it from a later
// process of the same number; 0 where it could not be read.
func (p *Process) StartTicks() uint64 { return p.ticks }

// StartedAt is the moment right before the process was made.
func (p *Process) StartedAt() time.Time { return p.started }

// Wait returns when the run has ended: its main process has exited, its output is captured, and its
// tree is ended where Terminate, Kill or KillRemaining ask for that. It must be called, once: it
// also reaps the process. It does not wait for background processes that hold the pipes, but for a
// quarter of a second.
func (p *Process) Wait() Result {
	res := p.main.wait()
	res.Ended = time.Now()
	p.settle(&res)
	p.drain(&res)
	p.settleLate(&res)
	p.release(&res)
	return res
}

// settle ends the rest of the tree or counts it.
func (p *Process) settle(res *Result) {
	if p.ending.requested() {
		p.ending.awaitEmpty(p.left)
		p.endRest(res)
		return
	}
	if p.killRemaining {
		p.endRest(res)
		return
	}
	res.LeftRunning = p.count(tree.leftBehind)
}

// settleLate is for an end that was asked for while the output was drained.
func (p *Process) settleLate(res *Result) {
	if p.ending.requested() && res.LeftRunning > 0 {
		p.ending.awaitEmpty(p.left)
		p.endRest(res)
	}
}

// endLimit bounds how long a tree is ended before that counts as failed: a process in an
// uninterruptible wait can't be.
const endLimit = 10 * time.Second

// endRest kills until nothing is left.
func (p *Process) endRest(res *Result) {
	res.LeftRunning = 0
	deadline := time.Now().Add(endLimit)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := p.left()
		if left == 0 {
			p.host.reapSoon()
			return
		}
		err := p.kill()
		if time.Now().After(deadline) {
			res.LeftRunning = left
			res.Err = errors.Join(res.Err,
				fmt.Errorf("%d processes of the run did not end within %s of SIGKILL", left,
					endLimit), err)
			return
		}
		time.Sleep(pause)
	}
}

// drain waits for the output's end. Without a process left that ends at once.
func (p *Process) drain(res *Result) {
	for _, one := range p.pumps {
		one.expire(drainGrace, res.LeftRunning > 0)
	}
	for _, one := range p.pumps {
		<-one.done
		res.Err = errors.Join(res.Err, one.err)
	}
}

func (p *Process) release(res *Result) {
	p.ending.over()
	p.treeLock.Lock()
	p.tree.account(res)
	p.tree.release()
	p.tree = nil
	p.treeLock.Unlock()
	p.noteShortage(res)
}

// left, kill and ask do nothing once the run has ended.
func (p *Process) left() int { return p.count(tree.left) }

func (p *Process) count(by func(tree) int) (n int) {
	_ = p.withTree(func(t tree) error { n = by(t); return nil })
	return n
}

func (p *Process) kill() error { return p.withTree(tree.kill) }

const (
	// askSoon is the pause after which those are asked again who could not hear the request yet, at
	// first; it doubles.
	askSoon = time.Millisecond
	// askLater and askRarely bound the pauses of a run that does not end though all seem to have
	// heard: one may have been born at a bad moment.
	askLater  = 250 * time.Millisecond
	askRarely = 2 * time.Second
)

// ask repeats the request until the run has ended: a process that is born while others are looked
// for may go unseen. It returns the first error.
func (p *Process) ask() (failed error) {
	for pause := askSoon; ; pause = min(2*pause, askRarely) {
		again, ended := false, true
		err := p.withTree(func(t tree) (err error) {
			again, err = t.ask()
			ended = false
			return err
		})
		if failed == nil {
			failed = err
		}
		if ended {
			return failed
		}
		if !again {
			pause = max(pause, askLater)
		}
		time.Sleep(pause)
	}
}

func (p *Process) withTree(do func(tree) error) error {
	p.treeLock.Lock()
	defer p.treeLock.Unlock()
	if p.tree == nil {
		return nil
	}
	return do(p.tree)
}
