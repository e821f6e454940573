//go:build linux && amd64

package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// first is the guest's first process: it mounts what a host has, runs the tests, says how they
// ended, and switches the guest off.
func first() int {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "this is no guest")
		return 1
	}
	code, err := 1, prepare()
	if err == nil {
		code, err = runTests()
	}
	if err != nil {
		fmt.Println("guest:", err)
	}
	fmt.Printf("\n%s%d\n", exitLine, code)
	err = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Println("the guest can't be switched off:", err)
	return 1
}

const writable = "/mnt" // the one place that can be written to

func prepare() error {
	if err := os.Setenv("PATH",
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
		return err
	}
	for _, m := range [][2]string{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"tmpfs", writable},
		{"cgroup2", "/sys/fs/cgroup"},
	} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	return errors.Join(loopbackUp(), os.Setenv("TMPDIR", writable), os.Setenv("HOME", writable),
		os.Setenv(stageVariable, "tests"))
}

// loopbackUp is what `ip link set lo up` does.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// runTests reaps whatever is adopted until the tests have ended.
func runTests() (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 1, err
		}
		if pid == cmd.Process.Pid {
			return status.ExitStatus(), nil
		}
	}
}
