package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// removeCgroups does what a cleaner would: it removes every directory of agents that it can.
func removeCgroups(t testing.TB, h *Host) (removed int) {
	t.Helper()
	paths, err := filepath.Glob(h.cgroups.where().base + "/" + parentPrefix +
		fmt.Sprint(os.Getpid()) + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		runs, _ := filepath.Glob(path + "/" + runPrefix + "*")
		for _, below := range append(runs, path) {
			if unix.Rmdir(below) == nil {
				removed++
			}
		}
	}
	return removed
}

func TestARunStartsAfterTheCgroupDirectoryWasRemoved(t *testing.T) {
	h := newTestHost(t, markCgroup)
	for range 3 {
		if removeCgroups(t, h) == 0 {
			t.Fatal("nothing was there to be removed")
		}
		res, out, _ := run(t, h, Spec{Script: []byte("grep ^0:: /proc/self/cgroup")})
		path, missing := h.cgroups.standing()
		if !res.Succeeded() || missing != nil ||
			!strings.Contains(out, "/"+filepath.Base(path)+"/"+runPrefix) {
			t.Fatalf("%+v %q, the directory is %s, %v", res, out, path, missing)
		}
		if !isLocked(path) {
			t.Fatal("the new directory is not locked: another agent may take it for a leftover")
		}
	}
}

// TestCgroupsAreRemovedUnderLoad has a cleaner at work all the time.
func TestCgroupsAreRemovedUnderLoad(t *testing.T) {
	h := newTestHost(t, markCgroup)
	stop, cleaned := make(chan struct{}), make(chan int)
	go func() {
		sum := 0
		for {
			select {
			case <-stop:
				cleaned <- sum
				return
			default:
				sum += removeCgroups(t, h)
			}
		}
	}()
	var runs sync.WaitGroup
	for worker := range 4 {
		runs.Go(func() {
			for i := range 50 {
				spec := Spec{
					Script:        []byte("echo $(echo out)"),
					Mark:          fmt.Sprintf("load-%d-%d", worker, i),
					KillRemaining: i%2 == 0,
				}
				if err := runOne(h, spec, "out\n"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	close(stop)
	if <-cleaned == 0 {
		t.Error("the cleaner removed nothing")
	}
}

// runOne is run for other goroutines than the test's own.
func runOne(h *Host, spec Spec, want string) error {
	var out strings.Builder
	spec.Interpreter, spec.Env, spec.Stdout = "bash", testEnv(), &out
	p, err := h.Start(spec)
	if err != nil {
		return err
	}
	if res := p.Wait(); !res.Succeeded() || out.String() != want || res.LeftRunning != 0 {
		return fmt.Errorf("%+v, %q", res, out.String())
	}
	return nil
}

// unmountCgroups takes the hierarchy away for the time of the test.
func unmountCgroups(t *testing.T) {
	t.Helper()
	mount, _, err := cgroupMount()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
		t.Skipf("the hierarchy can't be unmounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Mount("cgroup2", mount, "cgroup2", 0, ""); err != nil {
			t.Error(err)
		}
	})
}

// TestTheHierarchyIsUnmounted has the descriptors reach what paths reach no more.
func TestTheHierarchyIsUnmounted(t *testing.T) {
	h := newTestHost(t, markCgroup)
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Script:      []byte("trap '' TERM; (setsid sleep 1000 &); sleep 1000"),
		Env:         testEnv(),
		Mark:        "unmounted",
	})
	if err != nil {
		t.Fatal(err)
	}
	unmountCgroups(t)
	if err := runOne(h, Spec{Script: []byte("echo on"), Mark: "after"}, "on\n"); err != nil {
		t.Error(err)
	}
	p.Terminate(0)
	if res := p.Wait(); res.Signal != "SIGKILL" || res.LeftRunning != 0 || res.Err != nil {
		t.Errorf("%+v", res)
	}
	expectAlone(t)
}

// TestTheHierarchyTakesNoWrites has runs marked by the next best, and cgroups again afterwards.
func TestTheHierarchyTakesNoWrites(t *testing.T) {
	h := newTestHost(t, markCgroup)
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Script:      []byte("(setsid sleep 1000 &); sleep 1000"),
		Env:         testEnv(),
		Mark:        "before",
	})
	if err != nil {
		t.Fatal(err)
	}
	mount, _, err := cgroupMount()
	if err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", mount, "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	t.Cleanup(func() { remount(0) }) // for the tests that follow, should this one end before
	if err := runOne(h, Spec{Script: []byte("echo on"), Mark: "readonly"}, "on\n"); err != nil {
		t.Error(err)
	}
	if _, missing := h.cgroups.standing(); !errors.Is(missing, unix.EROFS) {
		t.Errorf("the host says that runs have cgroups: %v", missing)
	}
	_, err = h.Start(Spec{Interpreter: "bash", Env: testEnv(), MemoryLimitBytes: 1 << 30})
	if err == nil {
		t.Error("a run with a limit that nobody holds was started")
	}
	p.Terminate(0)
	if res := p.Wait(); res.LeftRunning != 0 || res.Err != nil {
		t.Errorf("a run that began before was not ended: %+v", res)
	}
	expectAlone(t)
	remount(0)
	if err := runOne(h, Spec{Script: []byte("echo on"), Mark: "writable"}, "on\n"); err != nil {
		t.Error(err)
	}
	if _, missing := h.cgroups.standing(); missing != nil {
		t.Error(missing)
	}
}

// TestASweepLeavesWhatIsNotOurs has directories that only look like those of agents.
func TestASweepLeavesWhatIsNotOurs(t *testing.T) {
	h := newTestHost(t, markCgroup)
	base := h.cgroups.where().base
	for name, stays := range map[string]bool{
		"gusty-web.slice": true, "gusty-12.service": true, "gusty-.1": true, "gusty-12.": true, "gusty-99999999.77": false,
	} {
		path := filepath.Join(base, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Rmdir(path) })
		h.cgroups.sweep()
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNewDirectoriesSurviveSweeps has one agent sweep while another makes its directory.
func TestNewDirectoriesSurviveSweeps(t *testing.T) {
	h := newTestHost(t, markCgroup)
	stop := make(chan struct{})
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				h.cgroups.sweep()
			}
		}
	})
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		d, err := makeCgroupDir(h.cgroups.where().base)
		if err != nil {
			t.Fatal(err)
		}
		_, home, err := d.make("x")
		if err != nil || !home {
			t.Fatalf("the directory was taken away: %v", err)
		}
		_, _ = unix.Rmdir(d.path+"/"+runPrefix+"x"), unix.Rmdir(d.path)
		_ = unix.Close(d.lock)
	}
	close(stop)
	sweeps.Wait()
}
