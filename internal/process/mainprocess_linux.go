package process

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mainProcess is the child that the Host started for a run.
type mainProcess struct {
	pid      int
	children *children
	pidfd    *os.File // nil where the kernel has none
	gone     atomic.Bool
}

// newMainProcess takes pidfd over; -1: there is none.
func newMainProcess(c *children, pid, pidfd int) *mainProcess {
	m := &mainProcess{pid: pid, children: c}
	if pidfd >= 0 {
		_ = unix.SetNonblock(pidfd, true) // without it the runtime waits on a thread
		m.pidfd = os.NewFile(uintptr(pidfd), "pidfd")
	}
	return m
}

// wait returns when the process has exited, and reaps it.
func (m *mainProcess) wait() Result {
	m.awaitExit()
	m.gone.Store(true)
	if m.pidfd != nil {
		_ = m.pidfd.Close() // nothing was written
	}
	status, usage, err := m.children.reap(m.pid)
	if err != nil {
		return Result{
			ExitCode: -1,
			Err:      fmt.Errorf("the exit of process %d could not be observed: %w", m.pid, err),
		}
	}
	return resultOf(status, &usage)
}

// awaitExit parks the goroutine in the runtime's poller where there is a pidfd, so that a waiting
// run costs no thread.
func (m *mainProcess) awaitExit() {
	if m.pidfd != nil && m.awaitPidfd() {
		return
	}
	var info unix.Siginfo
	for unix.Waitid(unix.P_PID, m.pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

func (m *mainProcess) awaitPidfd() bool {
	conn, err := m.pidfd.SyscallConn()
	if err != nil {
		return false
	}
	return conn.Read(func(fd uintptr) bool { return hasExited(unix.P_PIDFD, int(fd)) }) == nil
}

// hasExited also says so of a child that others have reaped against the rules: waiting on would
// never end.
func hasExited(idType, id int) bool {
	pid, err := peekExited(idType, id)
	return pid != 0 || errors.Is(err, unix.ECHILD)
}

// exited reports whether the process has come to its end, reaped or not.
func (m *mainProcess) exited() bool { return m.gone.Load() || hasExited(unix.P_PID, m.pid) }

// signalGroup signals the process group while its number can't be another's, and reports whether it
// did. The kernel lets no fork cross it.
func (m *mainProcess) signalGroup(sig unix.Signal) (done bool) {
	// ESRCH: nobody is left in it
	m.children.whileOwned(m.pid, func() { done = unix.Kill(-m.pid, sig) == nil })
	return done
}

// ownsGroup reports whether a process group or a session of this number is the run's. A number is
// not given away while one of them has members.
func (m *mainProcess) ownsGroup() bool { return !m.gone.Load() || !m.children.owns(m.pid) }

func resultOf(status unix.WaitStatus, usage *unix.Rusage) Result {
	res := Result{
		ExitCode:  status.ExitStatus(), // -1 where a signal ended it
		CPUUser:   time.Duration(usage.Utime.Nano()),
		CPUSystem: time.Duration(usage.Stime.Nano()),
		//nolint:unconvert // it has 32 bits on some machines
		MaxRSSBytes: int64(usage.Maxrss) << 10,
	}
	if status.Signaled() {
		res.Signal = signalName(status.Signal())
	}
	return res
}

// signalName returns "SIGKILL", also for those without a name of their own: "SIGRTMIN+3", as
// kill(1) counts them with glibc.
func signalName(sig syscall.Signal) string {
	const rtmin = 34
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	if sig >= rtmin {
		return fmt.Sprintf("SIGRTMIN+%d", int(sig)-rtmin)
	}
	return fmt.Sprintf("SIG%d", int(sig))
}
