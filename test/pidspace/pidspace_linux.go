package pidspace

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gusty/test/agent"
)

// stageVariable tells the test binary how far it has come: "" as it was started, "first" as the
// first process of the namespace, "tests".
const stageVariable = "GUSTY_TEST_PIDSPACE"

// FullVariable is the environment variable that asks for every check in its full length, and makes
// one that can't run a failure.
const FullVariable = "GUSTY_FULL"

// Full reports whether the tests run in full length.
func Full() bool { return os.Getenv(FullVariable) != "" }

// Lacks skips a test for what this machine lacks; in full length it fails.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if Full() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Main builds gustyd and runs the tests in the namespace: func TestMain(m *testing.M) {
// os.Exit(pidspace.Main(m)) }.
func Main(m *testing.M) int {
	switch os.Getenv(stageVariable) {
	case "":
		return agent.WithBinary(enter)
	case "first":
		return first()
	default:
		return m.Run()
	}
}

func stage(name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVariable+"="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func enter() int {
	runtime.LockOSThread() // Pdeathsig is about the thread
	cmd := stage("first")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{
			ContainerID: 0,
			HostID:      os.Getuid(),
			Size:        1,
		}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{
			ContainerID: 0,
			HostID:      os.Getgid(),
			Size:        1,
		}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	}
	fmt.Fprintf(os.Stderr, "these tests need a PID namespace of their own: %v; run them as root "+
		"or allow user namespaces\n", err)
	return 1
}

// first is what an init would be: it mounts /proc, reaps, and takes everything with it when it
// ends.
func first() int {
	err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	cmd := stage("tests")
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "these tests need a /proc of their own: %v; run them as root or "+
			"allow user namespaces\n", err)
		return 1
	}
	return reapUntil(cmd.Process.Pid)
}

// reapUntil reaps whatever is adopted until the tests have ended, and returns their exit code.
func reapUntil(tests int) int {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			fmt.Fprintf(os.Stderr, "waiting for the tests: %v\n", err)
			return 1
		case pid == tests && status.Exited():
			return status.ExitStatus()
		case pid == tests:
			return 1
		}
	}
}
