package process

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Every tree says "ready" when all of it is there.
var trees = map[string]struct {
	script string
}{
	"forks":                 {script: `for i in 1 2 3; do (sleep 1000 & sleep 1000 & wait) & done; sleep .05; echo ready; wait`},
	"session twice, no env": {script: `env -i setsid sh -c 'setsid sh -c "sleep 1000 & sleep 1000" & exit' ; sleep .05; echo ready; sleep 1000`},
	"ignores SIGTERM":       {script: `trap '' TERM; sleep 1000 & setsid sleep 1000 & echo ready; while :; do sleep 1000; done`},
	"stopped":               {script: `sleep 1000 & kill -STOP $!; echo ready; kill -STOP $BASHPID`},
	"holds the pipes":       {script: `setsid sleep 1000 & setsid sh -c 'trap "" TERM; sleep 1000; sleep 1000' & echo ready; sleep 1000`},
	"fills the output":      {script: `echo ready; yes >&2 & setsid yes & yes`},
	// Each link forks the next one and exits: the processes change all the time, and are few.
	// Nothing here may grow: root has no limit.
	"forks on and on":        {script: `f() { [ $1 -lt 400 ] || exit; sleep .004; (f $(($1+1))) & }; (f 0) & (f 0) & (f 0) & echo ready; sleep 1000`},
	"leaves its group":       {script: `set -m; sleep 1000 & sleep 1000 | sleep 1000 & sleep .02; echo ready; wait`},
	"main process is a leaf": {script: `sleep 1000 & echo ready; exec sleep 1000`},
}

// firstLine lets a test wait for the first piece of output.
type firstLine struct {
	once sync.Once
	seen chan struct{}
}

func newFirstLine() *firstLine { return &firstLine{seen: make(chan struct{})} }

func (w *firstLine) Write(data []byte) (int, error) {
	w.once.Do(func() { close(w.seen) })
	return len(data), nil
}

// plant starts a tree and waits until it is ready.
func plant(t testing.TB, h *Host, script string, killRemaining bool) *Process {
	t.Helper()
	ready := newFirstLine()
	p, err := h.Start(Spec{
		Interpreter: "bash", Script: []byte(script), Env: testEnv("GUSTY_RUN_ID=r-1"), Mark: "r-1",
		Stdout: ready, Stderr: newFirstLine(),
		KillRemaining: killRemaining,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-ready.seen
	return p
}

func eachTree(t *testing.T, test func(t *testing.T, h *Host, script string)) {
	for name, tree := range trees {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			eachMark(t, func(t *testing.T, h *Host) {
				test(t, h, tree.script)
			})
		})
	}
}

func TestKillEndsTheWholeTree(t *testing.T) {
	eachTree(t, func(t *testing.T, h *Host, script string) {
		p := plant(t, h, script, false)
		p.Kill()
		p.Kill()
		res := p.Wait()
		if res.Signal != "SIGKILL" || res.Err != nil || res.LeftRunning != 0 {
			t.Errorf("%+v", res)
		}
		if took := time.Since(res.Ended); took > 2*time.Second {
			t.Errorf("the tree took %s after its main process", took)
		}
		expectAlone(t)
	})
}

// TestKillWhereTheKernelCannot stands for Linux before 5.14, which has no cgroup.kill.
func TestKillWhereTheKernelCannot(t *testing.T) {
	for name, tree := range trees {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			h := newTestHost(t, markCgroup)
			p := plant(t, h, tree.script, false)
			p.tree.(*cgroupTree).hasKill = false
			p.Kill()
			if res := p.Wait(); res.Signal != "SIGKILL" || res.Err != nil || res.LeftRunning != 0 {
				t.Errorf("%+v", res)
			}
			expectAlone(t)
		})
	}
}

func TestTerminateEndsTheWholeTree(t *testing.T) {
	eachTree(t, func(t *testing.T, h *Host, script string) {
		p := plant(t, h, script, false)
		p.Terminate(time.Hour)
		p.Terminate(200 * time.Millisecond) // the shorter one wins
		p.Terminate(time.Hour)
		if res := p.Wait(); res.Signal == "" && res.ExitCode == 0 || res.Err != nil ||
			res.LeftRunning != 0 {
			t.Errorf("%+v", res)
		}
		expectAlone(t)
	})
}

func TestTerminateAsksFirst(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		p := plant(t, h, `trap 'kill %1; exit 5' TERM; sleep 1000 & echo ready; while :; do wait; done`, false)
		begun := time.Now()
		p.Terminate(time.Minute)
		if res := p.Wait(); res.ExitCode != 5 || res.Err != nil ||
			time.Since(begun) > 30*time.Second {
			t.Errorf("%+v", res)
		}
		expectAlone(t)
	})
}

func TestKillRemaining(t *testing.T) {
	eachTree(t, func(t *testing.T, h *Host, script string) {
		ready := filepath.Join(t.TempDir(), "ready")
		script = strings.Replace(script, "echo ready", "echo ready; : >"+ready, 1)
		script = "( " + script + " ) & until [ -e " + ready + " ]; do sleep .01; done; exit 3"
		p := plant(t, h, script, true)
		if res := p.Wait(); res.ExitCode != 3 || res.Err != nil || res.LeftRunning != 0 {
			t.Errorf("%+v", res)
		}
		expectAlone(t)
	})
}

func TestBackgroundChildrenMayLiveOn(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		begun := time.Now()
		res, out, _ := run(t, h, Spec{Script: []byte(
			`exec 9<> <(:); (sleep 1000 & echo both >&9; wait; echo late) & setsid sleep 1000 & read -u 9; echo early`)})
		if res.ExitCode != 0 || out != "early\n" || res.LeftRunning < 2 || res.Err != nil {
			t.Errorf("%+v %q", res, out)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("the run took %s", took)
		}
		left := others()
		if len(left) < 2 {
			t.Errorf("nothing lives on: %v", left)
		}
		for pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL) // nobody else is in this PID namespace
		}
		expectAlone(t)
		if h.cgroups != nil {
			eventually(t, func() error { return onlyOwnFiles(h.cgroups.path) })
		}
	})
}

// TestATreeEndsOnlyItself plants two of each tree and ends one.
func TestATreeEndsOnlyItself(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		script := `sleep 1000 & setsid sleep 1000 & (sleep 1000 & echo ready; wait)`
		one := plantMarked(t, h, script, "run-1")
		two := plantMarked(t, h, script, "run-2")
		one.Kill()
		one.Wait()
		eventually(t, func() error {
			if n := len(others()); n != 5 {
				return fmt.Errorf("%d processes live", n)
			}
			return nil
		})
		two.Kill()
		two.Wait()
		expectAlone(t)
	})
}

func plantMarked(t testing.TB, h *Host, script, mark string) *Process {
	t.Helper()
	ready := newFirstLine()
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Script:      []byte(script),
		Env:         testEnv("GUSTY_RUN_ID=" + mark),
		Mark:        mark,
		Stdout:      ready,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-ready.seen
	return p
}

func TestEndingWhatHasEndedDoesNothing(t *testing.T) {
	h := bestHost(t)
	p := plant(t, h, "echo ready", false)
	if res := p.Wait(); res.ExitCode != 0 {
		t.Errorf("%+v", res)
	}
	p.Kill()
	p.Terminate(time.Second)
	expectAlone(t)
}
