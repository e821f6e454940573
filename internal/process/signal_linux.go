package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// chainLimit bounds the walk from a process up to the agent.
const chainLimit = 10_000

// descends reports whether a process is a descendant of the agent. An ancestor that exits during
// the walk makes the agent, a child subreaper, the parent of its children, so that a second walk
// succeeds.
func descends(pid int) bool {
	for range 3 {
		if found, certain := walkUp(pid, os.Getpid()); certain {
			return found
		}
	}
	return false
}

func walkUp(pid, ancestor int) (found, certain bool) {
	for range chainLimit {
		s, err := readStat(pid)
		if err != nil {
			return false, false
		}
		switch s.parent {
		case ancestor:
			return true, true
		case 0: // of the first process, and of one that is being reaped right now
			return false, pid == 1
		case 1:
			return false, true
		}
		pid = s.parent
	}
	return false, true
}

// signalIf sends a signal to the process that has the number pid now, if it is the one meant. The
// pidfd is taken first, and what is meant is checked after: were the number given to another
// process in between, the signal would reach the dead one and nobody else. It reports whether a
// signal was sent.
func signalIf(pid int, sig unix.Signal, meant func() bool) (bool, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false, unlessGone(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !meant() {
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		return false, unlessGone(err)
	}
	if sig == unix.SIGTERM { // a stopped process would not see it before it goes on
		return true, unlessGone(unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0))
	}
	return true, nil
}

// unlessGone drops the error that says that the process has ended already.
func unlessGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// isProcess reports whether pid is a living process that started at the given clock tick.
func isProcess(pid int, start uint64) bool {
	s, err := readStat(pid)
	return err == nil && start != 0 && s.start == start && s.state != 'Z' && s.state != 'X'
}
