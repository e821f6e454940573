package process

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread runs fork on a thread that has what the child is to inherit: the priority, and the
// cgroup namespace. Setting them on the child after its birth would come too late for what it forks
// first. A thread that can't be made as before ends with its goroutine.
func (l *launch) onThread(fork func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		reusable := l.spec.Nice == 0
		err := l.prepareThread(func() { reusable = false }, fork)
		if reusable {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// prepareThread calls spoiled where the thread can't be used by others after it.
func (l *launch) prepareThread(spoiled func(), fork func() error) error {
	if l.spec.Nice != 0 {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, l.spec.Nice); err != nil {
			return startErrorf("the priority %d can't be set: %s", l.spec.Nice, err).because(err)
		}
	}
	if l.mark != markNamespace {
		return fork()
	}
	space, back, err := enterCgroupNamespace()
	if err != nil {
		spoiled()
		return &namespaceError{err}
	}
	l.space = space
	err = fork()
	if back() != nil {
		spoiled()
	}
	return err
}
