package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

func openDescriptors(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.Contains(target, "/proc/") {
			open = append(open, e.Name()+" "+target)
		}
	}
	return open
}

// TestNothingStaysBehind runs many short scripts at once, each of which leaves an orphan that the
// agent adopts.
func TestNothingStaysBehind(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 100
	}
	eachMark(t, func(t *testing.T, h *Host) {
		run(t, h, Spec{}) // what is opened once for all is open now
		expectAlone(t)
		before := openDescriptors(t)
		inParallel(8, runs, func(i int) {
			script := "exit 3"
			if i%4 == 0 {
				script = "(exec </dev/null >/dev/null 2>&1; (: & sleep .01) & exit) & exit 3"
			}
			p, err := h.Start(Spec{
				Interpreter: "bash",
				Env:         testEnv(),
				Script:      []byte(script),
				Stdout:      newFirstLine(),
				Stderr:      newFirstLine(),
			})
			if err != nil {
				t.Error(err)
				return
			}
			if res := p.Wait(); res.ExitCode != 3 || res.Err != nil {
				t.Errorf("%+v", res)
			}
		})
		expectAlone(t)
		eventually(t, func() error {
			if after := openDescriptors(t); len(after) > len(before) {
				return fmt.Errorf("descriptors before:\n%s\nafter:\n%s", strings.Join(before, "\n"),
					strings.Join(after, "\n"))
			}
			return nil
		})
		if h.cgroups != nil {
			eventually(t, func() error { return onlyOwnFiles(h.cgroups.path) })
		}
	})
}

func onlyOwnFiles(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, fmt.Errorf("the cgroup %s stays behind", e.Name()))
		}
	}
	return err
}

func inParallel(workers, n int, do func(i int)) {
	var all sync.WaitGroup
	work := make(chan int)
	for range workers {
		all.Go(func() {
			for i := range work {
				do(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
}

func TestFailedStartsLeaveNothingBehind(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		fail := func() {
			_, err := h.Start(Spec{
				Interpreter: "bash",
				Env:         testEnv(),
				Dir:         "/no/dir",
				Mark:        "m",
				Stdout:      newFirstLine(),
				Stderr:      newFirstLine(),
			})
			if err == nil {
				t.Fatal("it started")
			}
		}
		fail()
		before := openDescriptors(t)
		for range 100 {
			fail()
		}
		if after := openDescriptors(t); len(after) > len(before) {
			t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"),
				strings.Join(after, "\n"))
		}
		if h.cgroups != nil {
			if err := onlyOwnFiles(h.cgroups.path); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestOtherChildrenKeepTheirExitCodes starts programs by os/exec, as other code of the agent may,
// and lets them wait for long.
func TestOtherChildrenKeepTheirExitCodes(t *testing.T) {
	h := bestHost(t)
	inParallel(8, 200, func(i int) {
		if i%2 == 0 {
			if res, _, _ := run(t, h, Spec{Script: []byte("(:) & exit 4")}); res.ExitCode != 4 {
				t.Errorf("%+v", res)
			}
			return
		}
		cmd := exec.Command("sh", "-c", "exit 5")
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		eventually(t, func() error {
			if s, err := readStat(cmd.Process.Pid); err != nil || s.state == 'Z' {
				return err
			}
			return errors.New("it still runs")
		})
		h.reapSoon()
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
			t.Errorf("os/exec lost its child: %v", err)
		}
	})
	expectAlone(t)
}

// TestTheHardestTreesManyTimes ends trees while others start and end, in all three ways.
func TestTheHardestTreesManyTimes(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	script := `env -i setsid sh -c 'setsid sh -c "trap \"\" TERM; sleep 1000 & sleep 1000" & exit'
		trap '' TERM; f() { [ $1 -lt 50 ] || exit; sleep .002; (f $(($1+1))) & }; (f 0) & sleep 1000 & echo ready; `
	for name, kind := range map[string]markKind{"cgroup": markCgroup, "namespace": markNamespace} {
		t.Run(name, func(t *testing.T) {
			h := newTestHost(t, kind)
			inParallel(4, rounds, func(i int) {
				p := plantMarked(t, h, script+[]string{"wait", "exit 0"}[i%2],
					fmt.Sprintf("hard-%d", i))
				p.Kill()
				if res := p.Wait(); res.Err != nil || res.LeftRunning != 0 {
					t.Errorf("%+v", res)
				}
			})
			expectAlone(t)
		})
	}
}
