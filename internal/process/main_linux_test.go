package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests end process trees, so they run in a PID namespace of their own, in which nothing else
// can be hit. The test binary goes through three stages: as it was started; as the first process of
// the namespace; and as the tests.
const stageVariable = "GUSTY_PROCESS_TEST_STAGE"

func TestMain(m *testing.M) {
	var code int
	switch os.Getenv(stageVariable) {
	case "":
		code = enterNamespace()
	case "first":
		code = firstProcess()
	case "agent":
		code = crashingAgent()
	default:
		code = m.Run()
	}
	os.Exit(code)
}

func nextStage(stage string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVariable+"="+stage)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func enterNamespace() int {
	runtime.LockOSThread() // Pdeathsig is about the thread
	cmd := nextStage("first")
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
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "these tests need a PID namespace of their own: %v; run them as "+
			"root or allow user namespaces\n", err)
		return 1
	}
	return exitOf(cmd.Wait())
}

// firstProcess is what an init would be: it mounts /proc, reaps, and takes everything with it when
// it ends.
func firstProcess() int {
	err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "these tests need a /proc of their own: %v; run them as root or "+
			"allow user namespaces\n", err)
		return 1
	}
	boundProcesses()
	return exitOf(nextStage("tests").Run())
}

// boundProcesses keeps a test that forks without end, by mistake, from taking the whole machine's
// process numbers. They also come round again soon, as on a host that has run for long. Linux has
// such a bound for each PID namespace since 6.14; before, it is the host's.
func boundProcesses() {
	var name unix.Utsname
	var major, minor int
	if unix.Uname(&name) != nil {
		return
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major,
		&minor); err != nil {
		return
	}
	if major > 6 || major == 6 && minor >= 14 {
		// it is a second line only: no test needs it
		_ = os.WriteFile("/proc/sys/kernel/pid_max", []byte("2000"), 0)
	}
}

func exitOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// testEnv has a PATH without the agent's oddities.
func testEnv(more ...string) []string {
	return append([]string{"PATH=" + defaultPath, "HOME=/", "LANG=C.UTF-8"}, more...)
}

func newTestHost(t testing.TB, best markKind) *Host {
	t.Helper()
	h, err := newHost(HostOptions{}, best)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if h.mark != best {
		t.Skipf("this machine has no such mark: %+v", h.Capabilities())
	}
	return h
}

// bestHost has the best mark of the machine.
func bestHost(t testing.TB) *Host {
	t.Helper()
	h, err := NewHost(HostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func eachMark(t *testing.T, test func(t *testing.T, h *Host)) {
	for name, kind := range map[string]markKind{
		"cgroup":    markCgroup,
		"namespace": markNamespace,
		"kinship":   markKinship,
	} {
		t.Run(name, func(t *testing.T) { test(t, newTestHost(t, kind)) })
	}
}

// run starts bash with a script and waits for it.
func run(t testing.TB, h *Host, spec Spec) (Result, string, string) {
	t.Helper()
	var out, errs strings.Builder
	if spec.Interpreter == "" && !spec.Shell {
		spec.Interpreter = "bash"
	}
	if spec.Env == nil {
		spec.Env = testEnv()
	}
	spec.Stdout, spec.Stderr = &out, &errs
	p, err := h.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	res := p.Wait()
	return res, out.String(), errs.String()
}

// others are the processes of the namespace that are neither its first nor the tests, with their
// states.
func others() map[int]string {
	found := map[int]string{}
	_ = eachPID(func(pid int) {
		if pid == 1 || pid == os.Getpid() {
			return
		}
		if s, err := readStat(pid); err == nil {
			found[pid] = string(s.state)
		}
	})
	return found
}

// expectAlone waits until no other process is left, zombies included.
func expectAlone(t testing.TB) {
	t.Helper()
	eventually(t, func() error {
		if left := others(); len(left) > 0 {
			return fmt.Errorf("processes are left: %v", left)
		}
		return nil
	})
}
