package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// probeCgroup makes the directory and gives birth in it, since a container may allow the one and
// not the other.
func (h *Host) probeCgroup() (*cgroupParent, error) {
	parent, err := openCgroupParent(h.log)
	if err != nil {
		return nil, err
	}
	g, err := parent.make("probe")
	if err == nil {
		err = h.probeBirth(g)
		parent.remove(g)
	}
	if err != nil {
		return nil, errors.Join(err, parent.close())
	}
	return parent, nil
}

// probeBirth starts a program that does not exist: the answer "no such file" comes from a child
// that was born in the cgroup.
func (h *Host) probeBirth(g cgroup) error {
	attr := &syscall.ProcAttr{
		Files: []uintptr{uintptr(h.null)},
		Sys:   &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.fd},
	}
	if _, _, err := syscall.StartProcess("/dev/null/none", []string{"none"}, attr); !errors.Is(err,
		unix.ENOTDIR) {
		return fmt.Errorf("a process can't be started in a cgroup: %w", err)
	}
	return nil
}

func probePidfd() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return fmt.Errorf("the kernel gives no pidfd: %w", err)
	}
	return unix.Close(fd)
}

func probeMemfd() error {
	fd, err := newScriptFile([]byte("probe"))
	if err != nil {
		return fmt.Errorf("the kernel gives no sealed memory file: %w", err)
	}
	return unix.Close(fd)
}

func becomeSubreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("the kernel does not make the agent a subreaper: %w", err)
	}
	return nil
}

func probeRunAs() error {
	if os.Geteuid() != 0 {
		return errors.New("the agent is not root")
	}
	return nil
}

// probeNamespace tries on a thread that ends afterwards, so that nothing of it stays.
func probeNamespace() error {
	answer := make(chan error)
	go func() {
		runtime.LockOSThread()
		ns, back, err := enterCgroupNamespace()
		if err == nil {
			ns.close()
			err = back()
		}
		answer <- err
	}()
	if err := <-answer; err != nil {
		return fmt.Errorf("the agent may not make a cgroup namespace: %w", err)
	}
	return nil
}
