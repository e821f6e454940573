// Package disk runs the real gustyd on file systems of its own that are full or read-only. The test
// starts itself in a mount namespace, and, where it is not root, in a user namespace where it is,
// so that nothing of its mounts is seen or left outside.
package disk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"gusty/test/agent"
)

// insideVariable says to the test that it has its namespace.
const insideVariable = "GUSTY_TEST_MOUNTS"

func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) == "" {
		os.Exit(again())
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Fprintln(os.Stderr, "make the mounts private:", err)
		os.Exit(1)
	}
	os.Exit(agent.Main(m))
}

// again runs this test in namespaces of its own.
func again() int {
	self := exec.Command("/proc/self/exe", os.Args[1:]...)
	self.Env = append(os.Environ(), insideVariable+"=1")
	self.Stdout, self.Stderr = os.Stdout, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Getuid() != 0 {
		self.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		self.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		self.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var exit *exec.ExitError
	err := self.Run()
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSYS),
		errors.Is(err, syscall.ENOSPC):
		fmt.Println("skipped: this host gives its users no mount namespace:", err)
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
