package process

import (
	"errors"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The standard library makes a child by vfork, and lets nobody add a step between fork and exec.
// What a run must not inherit has to change there: later it would be too late for what the script
// does first, and in the agent it would be wrong for the agent. So a list of system calls is
// prepared here, and the child carries it out (vforkSteps, a loop in assembly). The child runs no
// Go code, has no signal handlers and touches no stack, and the agent's thread waits until it has
// become the program or has given up.

// step is one system call of the child. The loop in assembly knows its layout.
type step struct {
	number uintptr
	args   [5]uintptr
	flags  uintptr
	result uintptr // negative errno, written by the child, which then ends
}

const (
	stepMayFail  = 1 << iota // the child goes on after an error
	stepOnResult             // the first argument is the result of the step before
)

// cloneArgs is struct clone_args of clone3(2), of Linux 5.7.
type cloneArgs struct {
	//nolint:unused // the kernel knows the layout
	flags, pidfd, childTID, parentTID, exitSignal, stack,
	stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// spawn is one child to be.
type spawn struct {
	steps []step
	kept  []any // what the arguments point to
}

func (s *spawn) must(number uintptr, args ...uintptr) { s.add(0, number, args) }

func (s *spawn) may(number uintptr, args ...uintptr) { s.add(stepMayFail, number, args) }

// mayOnResult is a step whose first argument is the result of the one before.
func (s *spawn) mayOnResult(number uintptr, args ...uintptr) {
	s.add(stepMayFail|stepOnResult, number, append([]uintptr{0}, args...))
}

func (s *spawn) add(flags, number uintptr, args []uintptr) {
	one := step{number: number, flags: flags}
	copy(one.args[:], args)
	s.steps = append(s.steps, one)
}

// text returns the address of a string for the kernel. The string has no NUL in it.
func (s *spawn) text(text string) uintptr {
	bytes := append([]byte(text), 0)
	s.kept = append(s.kept, bytes)
	return uintptr(unsafe.Pointer(&bytes[0]))
}

// texts returns the address of a list of strings for the kernel.
func (s *spawn) texts(texts []string) uintptr {
	list := make([]uintptr, len(texts)+1)
	for i, text := range texts {
		list[i] = s.text(text)
	}
	s.kept = append(s.kept, list)
	return uintptr(unsafe.Pointer(&list[0]))
}

// descriptors lets the child have exactly these as 0, 1, 2 and so on. They go to numbers beyond all
// of them first, so that none is overwritten before its turn; whatever is there in the child goes
// with exec anyway.
func (s *spawn) descriptors(files []uintptr) {
	beyond := uintptr(len(files))
	for _, fd := range files {
		beyond = max(beyond, fd+1)
	}
	for i, fd := range files {
		s.must(unix.SYS_DUP3, fd, beyond+uintptr(i), unix.O_CLOEXEC)
	}
	for i := range files {
		s.must(unix.SYS_DUP3, beyond+uintptr(i), uintptr(i), 0)
	}
}

// program is the last step.
func (s *spawn) program(path string, argv, env []string) {
	s.must(unix.SYS_EXECVE, s.text(path), s.texts(argv), s.texts(env))
}

// start makes the child, in the cgroup that the descriptor names (-1: the agent's own). The error
// is that of the step that failed; the child is gone then.
func (s *spawn) start(cgroup int) (pid, pidfd int, err error) {
	fd := new(int32)
	s.kept = append(s.kept, fd) // on the heap: the kernel keeps the address, and stacks move
	args := &cloneArgs{
		flags:      unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | unix.CLONE_CLEAR_SIGHAND,
		exitSignal: uint64(unix.SIGCHLD),
		pidfd:      uint64(uintptr(unsafe.Pointer(fd))),
	}
	if cgroup >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(cgroup)
	}
	if pid, err = s.clone(args); err != nil {
		return 0, -1, err
	}
	if failed := s.failed(); failed != 0 {
		_ = unix.Close(int(*fd))
		return 0, -1, errors.Join(failed, reapFailed(pid))
	}
	return pid, int(*fd), nil
}

// clone keeps all signals from the thread meanwhile: a handler must not run in the child, which has
// the agent's memory.
func (s *spawn) clone(args *cloneArgs) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return 0, err
	}
	result := vforkSteps(args, unsafe.Sizeof(*args), &s.steps[0])
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) // what could be set can be set back
	runtime.KeepAlive(s)
	if result < 0 {
		return 0, syscall.Errno(-result)
	}
	return result, nil
}

// failed returns the error of the step at which the child gave up; 0: it did not.
func (s *spawn) failed() syscall.Errno {
	for i := range s.steps {
		if s.steps[i].result != 0 {
			return syscall.Errno(-int(s.steps[i].result))
		}
	}
	return 0
}

func reapFailed(pid int) error {
	for {
		_, err := unix.Wait4(pid, nil, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
