//go:build linux && amd64

package guest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

const (
	stageVariable = "GUSTY_TEST_GUEST"
	kernel        = "linux.uml"
	exitLine      = "the guest's tests ended with "
	bootLimit     = 3 * time.Minute
	// sseOnly is what a guest's C programs are told by their environment; Go's by GODEBUG.
	sseOnly = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD,-EVEX"
)

func TestMain(m *testing.M) {
	var code int
	switch os.Getenv(stageVariable) {
	case "":
		code = boot()
	case "cage":
		code = becomeKernel(os.Args[1:])
	case "init":
		code = first()
	default:
		code = m.Run()
	}
	os.Exit(code)
}

// boot runs the tests in a guest, and returns their exit code.
func boot() int {
	path, err := exec.LookPath(kernel)
	if err != nil {
		fmt.Printf("not run: there is no %s; install the package user-mode-linux\n", kernel)
		if pidspace.Full() {
			return 1
		}
		return 0
	}
	return agent.WithBinary(func() int {
		var seen bytes.Buffer
		err := runKernel(path, io.MultiWriter(&seen, os.Stdout))
		_, after, ended := strings.Cut(seen.String(), exitLine)
		if !ended {
			fmt.Printf("the guest did not come to its end: %v\n", err)
			return 1
		}
		if strings.HasPrefix(after, "0") {
			return 0
		}
		return 1
	})
}

func runKernel(path string, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootLimit)
	defer cancel()
	arguments := []string{
		path, "mem=768M", "root=/dev/root", "rootfstype=hostfs", "ro", "quiet", "con=null",
		"con0=null,fd:1", "init=" + self,
		stageVariable + "=init", "GODEBUG=cpu.all=off", "GLIBC_TUNABLES=" + sseOnly,
		agent.BinaryVariable + "=" + os.Getenv(agent.BinaryVariable),
		pidspace.FullVariable + "=" + os.Getenv(pidspace.FullVariable), "--",
	}
	cmd := exec.CommandContext(ctx, self, append(arguments, testFlags()...)...)
	cmd.Env = append(os.Environ(), stageVariable+"=cage")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd.Run()
}

// testFlags passes on which tests are to run.
func testFlags() []string {
	flags := []string{"-test.v"}
	for _, a := range os.Args[1:] {
		if strings.HasPrefix(a, "-test.run=") {
			flags = append(flags, a)
		}
	}
	return flags
}

// dir is one for an agent in the guest: the host's files can't be written to.
func dir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
