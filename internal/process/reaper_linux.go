package process

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// reapDelay gathers the exits of a tree; the owners of registered children are quicker than
	// that.
	reapDelay = 10 * time.Millisecond
	// reapTries is how often a pass is repeated while there is an exited child that is not the
	// reaper's.
	reapTries = 3
)

// reaper takes the zombies that were adopted from runs. It never waits for a child that has an
// owner.
type reaper struct {
	children *children
	reaped   func() // called after orphans were reaped
	signals  chan os.Signal
	kick     chan struct{}
	stop     chan struct{}
	stopped  chan struct{}
}

func startReaper(c *children, reaped func()) *reaper {
	r := &reaper{
		children: c, reaped: reaped,
		signals: make(chan os.Signal, 1), kick: make(chan struct{}, 1), stop: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	// This also undoes an inherited "ignore", with which the kernel would throw exit codes away.
	signal.Notify(r.signals, unix.SIGCHLD)
	go r.run()
	return r
}

func (r *reaper) close() {
	signal.Stop(r.signals)
	close(r.stop)
	<-r.stopped
}

// soon asks for a pass now.
func (r *reaper) soon() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

func (r *reaper) run() {
	defer close(r.stopped)
	timer := time.NewTimer(reapDelay)
	armed, tries := true, reapTries
	for {
		select {
		case <-r.stop:
			return
		case <-r.signals:
			tries = reapTries
			if !armed { // a timer that is moved on by each exit would never fire on a busy host
				armed = true
				timer.Reset(reapDelay)
			}
			continue
		case <-r.kick:
			tries = reapTries
		case <-timer.C:
		}
		armed = r.pass() && tries > 0
		if armed {
			tries--
			timer.Reset(10 * reapDelay)
		}
	}
}

// pass reaps what it finds. It reports whether there is an exited child left, which may hide a
// later one.
func (r *reaper) pass() (unclear bool) {
	found := r.takeFirst()
	unclear = anyExited() != 0
	if unclear {
		found = r.takeAll() || found
	}
	if found {
		r.reaped()
	}
	return unclear
}

// takeFirst reaps as long as the kernel shows an orphan first: mostly there is no other exited
// child.
func (r *reaper) takeFirst() (found bool) {
	for {
		pid := anyExited()
		if pid == 0 || !r.children.reapOrphan(pid) {
			return found
		}
		found = true
	}
}

// takeAll looks at every child.
func (r *reaper) takeAll() (found bool) {
	pids, err := ownChildren()
	if err != nil {
		return false
	}
	for _, pid := range pids {
		found = r.children.reapOrphan(pid) || found
	}
	return found
}

// anyExited returns one exited child, owned or not; 0: there is none.
func anyExited() int {
	pid, _ := peekExited(unix.P_ALL, 0) // ECHILD: there is no child at all
	return pid
}
