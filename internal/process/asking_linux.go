package process

import (
	"errors"
	"maps"

	"golang.org/x/sys/unix"
)

const (
	// askRounds bounds how often one call looks through the tree for processes that were born while
	// it was asked.
	askRounds = 20
	// askCalls is how many calls there are at least: a process that handles the request may fork
	// once more before it ends.
	askCalls = 4
	// newbornTicks is the age, in clock ticks, up to which a process may still have its parent's
	// handlers: shells reset them some time after fork.
	newbornTicks = 5
)

// asking is one request to end to a tree. Two things could keep a process from hearing of it, and
// with it the run for its whole grace:
//
//   - It is forked while its parent is asked. So the tree is looked through until nobody is
//     unasked. What is spared is the child of a process that handles SIGTERM, since that may be its
//     way to clean up, as long as the parent lives. (Stopping all processes first would tell the
//     two apart, but the likes of sudo stop themselves when they see their child stopped. A cgroup
//     is frozen, which nobody sees.)
//   - It is a newborn that still has its parent's handler, which is of no use in it. So newborns
//     are asked again if the handler goes.
type asking struct {
	main    int // the main process is the child of none
	members func() (pids []int, is func(pid int) bool)
	mayAsk  func(pid int) bool
	heard   int // the process group that was signalled whole; 0: none
	asked   map[int]askedProcess
	calls   int
}

type askedProcess struct {
	start   uint64 // clock ticks after boot
	handles bool   // its children, as long as it lives, are its own matter
	newborn bool
	spared  int // by which parent; 0: it was asked
}

func newAsking(main int, members func() ([]int, func(int) bool)) *asking {
	return &asking{main: main, members: members, mayAsk: func(int) bool {
		return true
	}, asked: map[int]askedProcess{}}
}

// ask asks all at the first call, and at the calls after it those who may not have heard it. Again
// says that another call is due soon.
func (a *asking) ask() (again bool, failed error) {
	a.calls++
	failed = errors.Join(a.askRest(), a.askAll())
	return a.calls < askCalls || a.hasRest(), failed
}

// askAll looks until nobody is found. What is born while it looks for the last time is found by the
// next call.
func (a *asking) askAll() (failed error) {
	for range askRounds {
		newcomers, err := a.round()
		failed = errors.Join(failed, err)
		if newcomers == 0 {
			break
		}
	}
	return failed
}

func (a *asking) round() (newcomers int, failed error) {
	pids, is := a.members()
	earlier := maps.Clone(a.asked)
	for _, pid := range pids {
		s, err := readStat(pid)
		if err != nil || a.asked[pid].start == s.start || !a.mayAsk(pid) {
			continue
		}
		newcomers++
		if cleansUp(earlier, s.parent) {
			a.asked[pid] = askedProcess{start: s.start, handles: true, spared: s.parent}
			continue
		}
		if a.calls == 1 && a.heard != 0 && s.group == a.heard {
			a.asked[pid] = askedProcess{start: s.start, handles: handlesTerm(pid), spared: s.parent}
			// it was born while the group was signalled; those who come later did not hear that
			continue
		}
		a.remember(pid, s) // it may be gone after the signal
		failed = errors.Join(failed, a.signal(pid, s.start, is))
	}
	return newcomers, failed
}

func (a *asking) remember(pid int, s stat) {
	a.asked[pid] = askedProcess{
		start:   s.start,
		handles: handlesTerm(pid),
		newborn: pid != a.main && isNewborn(s),
	}
}

// rememberGroup remembers the processes of a group that is about to be signalled whole.
func (a *asking) rememberGroup(group int) {
	pids, _ := a.members()
	for _, pid := range pids {
		if s, err := readStat(pid); err == nil && s.group == group {
			a.remember(pid, s)
		}
	}
}

// forgetWhoLeft drops those that have another group now: they may have left before the signal.
func (a *asking) forgetWhoLeft(group int) {
	for pid := range a.asked {
		if s, err := readStat(pid); err == nil && s.group != group {
			delete(a.asked, pid)
		}
	}
}

func (a *asking) signal(pid int, start uint64, is func(int) bool) error {
	_, err := signalIf(pid, unix.SIGTERM, func() bool { return isProcess(pid, start) && is(pid) })
	return err
}

// askRest asks newborns that have lost their parent's handler, and those that were spared for a
// parent that has ended.
func (a *asking) askRest() (failed error) {
	due := map[int]askedProcess{}
	for pid, known := range a.asked {
		if known.newborn && !handlesTerm(pid) || known.spared != 0 &&
			!cleansUp(a.asked, known.spared) {
			due[pid] = askedProcess{start: known.start}
		}
	}
	if len(due) == 0 {
		return nil
	}
	maps.Copy(a.asked, due)
	_, is := a.members()
	for pid, known := range due {
		failed = errors.Join(failed, a.signal(pid, known.start, is))
	}
	return failed
}

func (a *asking) hasRest() bool {
	for pid, known := range a.asked {
		if (known.newborn || known.spared != 0) && isProcess(pid, known.start) {
			return true
		}
	}
	return false
}

func isNewborn(s stat) bool {
	const ticksPerSecond = 100 // USER_HZ, on every Linux that Go runs on
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return false
	}
	//nolint:gosec // it is not negative
	return s.start+newbornTicks >= uint64(now.Nano())*ticksPerSecond/1e9
}

// cleansUp reports whether the parent is one of those that were asked before, lives, and handles
// the request.
func cleansUp(asked map[int]askedProcess, parent int) bool {
	known, ok := asked[parent]
	return ok && known.handles && isProcess(parent, known.start)
}

// handlesTerm reports whether a process has a handler for SIGTERM.
func handlesTerm(pid int) bool {
	caught, err := signalSet(pid, "SigCgt")
	return err == nil && caught&bitOf(unix.SIGTERM) != 0
}
