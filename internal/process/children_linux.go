package process

import (
	"errors"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// children knows which of the agent's child processes have an owner that waits for them.
type children struct {
	self  int
	group int // the agent's own process group

	fork sync.RWMutex // held for reading from fork until the child is registered
	mu   sync.Mutex
	own  map[int]struct{}
}

func newChildren() *children {
	return &children{self: os.Getpid(), group: unix.Getpgrp(), own: map[int]struct{}{}}
}

// start registers what fork starts before anybody can take it for an orphan.
func (c *children) start(fork func() (pid int, err error)) (int, error) {
	c.fork.RLock()
	defer c.fork.RUnlock()
	pid, err := fork()
	if err == nil {
		c.mu.Lock()
		c.own[pid] = struct{}{}
		c.mu.Unlock()
	}
	return pid, err
}

// reap takes the exit of a registered child that has exited. From here on its number may be
// another's.
func (c *children) reap(pid int) (status unix.WaitStatus, usage unix.Rusage, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, pid)
	for {
		_, err = unix.Wait4(pid, &status, 0, &usage)
		if !errors.Is(err, unix.EINTR) {
			return status, usage, err
		}
	}
}

// whileOwned calls do unless the child has been reaped, and not while it is.
func (c *children) whileOwned(pid int, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.own[pid]; ok {
		do()
	}
}

func (c *children) owns(pid int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.own[pid]
	return ok
}

// anyAdopted reports whether a living process was adopted from a run. What can't be read counts as
// yes.
func (c *children) anyAdopted() bool {
	pids, err := ownChildren()
	if err != nil {
		return true
	}
	for _, pid := range pids {
		if c.owns(pid) {
			continue
		}
		if s, err := readStat(pid); err == nil && s.state != 'Z' && s.group != c.group {
			return true
		}
	}
	return false
}

// isOrphan reports whether pid is a zombie that was adopted from a run.
func (c *children) isOrphan(pid int) bool {
	s, err := readStat(pid)
	return err == nil && s.state == 'Z' && s.parent == c.self && s.group != c.group && !c.owns(pid)
}

// reapOrphan reaps pid if it is one.
func (c *children) reapOrphan(pid int) bool {
	if !c.isOrphan(pid) { // most are not; those that start need not wait for this
		return false
	}
	c.fork.Lock()
	defer c.fork.Unlock()
	if !c.isOrphan(pid) {
		return false
	}
	reaped, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return err == nil && reaped == pid
}

// childInfo is the kernel's siginfo_t as waitid(2) fills it.
type childInfo struct {
	signo, errno, code int32
	_                  [unsafe.Sizeof(uintptr(0)) / 8]int32 // the union is aligned as a pointer is
	pid                int32
	uid                uint32
	status             int32
	_                  [100]byte
}

// peekExited returns a child that has exited, and leaves it as it is; 0: there is none. The error
// ECHILD says that there is no such child.
func peekExited(idType, id int) (pid int, err error) {
	for {
		var info childInfo
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, uintptr(idType), uintptr(id),
			uintptr(unsafe.Pointer(&info)),
			unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0, 0)
		switch errno {
		case 0:
			return int(info.pid), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
