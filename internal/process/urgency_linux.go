package process

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// An agent may be preferred to all else on the host (systemd: Nice=-10, CPUSchedulingPolicy=rr,
// IOSchedulingClass=realtime). A script that spins would then hold up the host. What makes the
// agent wait for others is inherited: it harms nobody.

// Of ioprio_set(2).
const (
	ioWhoProcess = 1
	ioClassShift = 13
	ioRealTime   = 1
)

// isUrged reports whether the calling thread is preferred to what the host starts normally.
func isUrged() bool {
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err == nil && nice > 20 { // the system call returns 20 less the value
		return true
	}
	if attr, err := unix.SchedGetAttr(0, 0); err == nil && isRealTime(attr.Policy) {
		return true
	}
	priority, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_GET, ioWhoProcess, 0, 0)
	return errno == 0 && priority>>ioClassShift == ioRealTime
}

func isRealTime(policy uint32) bool {
	return policy == unix.SCHED_FIFO || policy == unix.SCHED_RR || policy == unix.SCHED_DEADLINE
}

// calmDown adds the steps that make a child a process like others.
func (s *spawn) calmDown() {
	none := new(int32) // struct sched_param
	s.kept = append(s.kept, none)
	s.may(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_NORMAL, uintptr(unsafe.Pointer(none)))
	s.may(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	s.may(unix.SYS_IOPRIO_SET, ioWhoProcess, 0, 0)
}
