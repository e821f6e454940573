//go:build linux && amd64

package guest

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// becomeKernel executes the kernel where ptrace(2) can't read the extended registers. The one of
// Debian 12 keeps less room for them than newer processors need (AMX), and then can't start a
// process; told that they can't be read it uses the older call.
func becomeKernel(arguments []string) int {
	runtime.LockOSThread()
	err := refuseExtendedRegisters()
	if err == nil {
		err = unix.Exec(arguments[0], arguments, []string{"PATH=" + os.Getenv("PATH"), "HOME=/tmp"})
	}
	fmt.Fprintf(os.Stderr, "the guest can't be started: %v\n", err)
	return 1
}

// refuseExtendedRegisters makes ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, …) fail with EIO, by a
// filter in classic BPF over struct seccomp_data (seccomp(2)): the number of the call is at 0, the
// first argument at 16, the third at 32.
func refuseExtendedRegisters() error {
	const (
		load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		ifEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		answer  = unix.BPF_RET | unix.BPF_K
	)
	const regsetOfXstate = 0x202
	filter := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: ifEqual, Jf: 5, K: unix.SYS_PTRACE},
		{Code: load, K: 16},
		{Code: ifEqual, Jf: 3, K: unix.PTRACE_GETREGSET},
		{Code: load, K: 32},
		{Code: ifEqual, Jf: 1, K: regsetOfXstate},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}
