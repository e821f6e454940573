package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A script begins with every signal at its default and none blocked, however the agent was started.
// What the agent handles itself becomes the default in its children by itself; "ignore" and the
// blocked signals would be inherited.

// signalCount is how many signals Linux has (_NSIG; 64 on all machines that Go runs on, but on
// MIPS).
const signalCount = 64

// DefaultSignals undoes "ignore" for signals that the agent was started with so and does nothing
// about itself. It leaves SIGHUP and SIGINT as they are: who calls it handles those, and must not
// die of one before. It belongs first in main.
func DefaultSignals() error {
	ignored, err := signalSet(os.Getpid(), "SigIgn")
	if err != nil {
		return fmt.Errorf("which signals are ignored can't be read: %w", err)
	}
	for sig := unix.Signal(1); sig <= signalCount; sig++ {
		if ignored&bitOf(sig) != 0 && sig != unix.SIGHUP && sig != unix.SIGINT {
			err = errors.Join(err, setDefault(sig))
		}
	}
	return err
}

// setDefault hands the kernel a struct sigaction of zeros: the handler SIG_DFL, no flags, no mask.
// It has no more than 64 bytes.
func setDefault(sig unix.Signal) error {
	var action [8]uint64
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&action)), 0, signalCount/8, 0, 0)
	if errno != 0 {
		return fmt.Errorf("%s stays ignored: %w", signalName(sig), errno)
	}
	return nil
}

// unblocked runs fork on a thread that blocks no signal: a child inherits what its thread blocks.
func unblocked(fork func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var none, before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &before); err != nil {
		return fmt.Errorf("the agent's blocked signals can't be kept from the run: %w", err)
	}
	err := fork()
	// what could be set can be set back; the child is there
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	return err
}

// signalSet reads a set of signals, "SigIgn" or "SigCgt", from /proc/<pid>/status
// (proc_pid_status(5)): hexadecimal, the lowest bit being signal 1.
func signalSet(pid int, name string) (uint64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(status, []byte("\n"+name+":"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	return strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
}

func bitOf(sig unix.Signal) uint64 { return 1 << (sig - 1) }
