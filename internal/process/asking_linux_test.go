package process

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNoForkCrossesTheRequestToEnd asks trees that fork all the time, and never gives them the time
// to be killed.
func TestNoForkCrossesTheRequestToEnd(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	// Each link forks the next one and exits; a link that was not asked goes on for minutes.
	script := `f() { [ $1 -lt 100000 ] || exit; (f $(($1+1))) & }; (f 0) & (f 0) & (f 0) & echo ready; while :; do sleep .001; done`
	eachMark(t, func(t *testing.T, h *Host) {
		inParallel(2, rounds, func(i int) {
			p := plantMarked(t, h, script, fmt.Sprintf("fork-%d", i))
			begun := time.Now()
			p.Terminate(20 * time.Second)
			if res := p.Wait(); res.Err != nil || res.LeftRunning != 0 || res.Signal != "SIGTERM" {
				t.Errorf("%+v", res)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("round %d took %s of its grace", i, took)
			}
		})
		expectAlone(t)
	})
}

// TestTheRequestIsHeardAtAnyMoment asks trees while they are still growing.
func TestTheRequestIsHeardAtAnyMoment(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	scripts := map[string]string{
		"children":    `sleep 1000 & sleep 1000 & (sleep 1000; sleep 1000) & sleep 1000`,
		"job control": `set -m; sleep 1000 | sleep 1000 & (sleep 1000 & wait) & wait`,
		"sessions":    `setsid sh -c 'sleep 1000 & sleep 1000 & wait' & setsid sleep 1000 & wait`,
	}
	for name, script := range scripts {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			eachMark(t, func(t *testing.T, h *Host) {
				inParallel(2, rounds, func(i int) {
					mark := fmt.Sprintf("moment-%d", i)
					p, err := h.Start(Spec{
						Interpreter: "bash",
						Script:      []byte(script),
						Env:         testEnv("GUSTY_RUN_ID=" + mark),
						Mark:        mark,
					})
					if err != nil {
						t.Error(err)
						return
					}
					begun := time.Now()
					timer := time.AfterFunc(time.Duration(i*100)*time.Microsecond, func() {
						p.Terminate(20 * time.Second)
					})
					defer timer.Stop()
					if res := p.Wait(); res.Err != nil || res.LeftRunning != 0 ||
						time.Since(begun) > 10*time.Second {
						t.Errorf("round %d: %+v after %s", i, res, time.Since(begun))
					}
				})
				expectAlone(t)
			})
		})
	}
}

// TestWhatCleansUpIsNotAsked lets a handler of SIGTERM start programs, which must be left to do
// their work.
func TestWhatCleansUpIsNotAsked(t *testing.T) {
	script := `trap 'sleep .05 && sh -c "sleep .05; echo clean" && exit 5; exit 6' TERM; sleep 1000 & echo ready; while :; do wait; done`
	eachMark(t, func(t *testing.T, h *Host) {
		for range 10 {
			p := plant(t, h, script, false)
			p.Terminate(20 * time.Second)
			if res := p.Wait(); res.ExitCode != 5 || res.Err != nil {
				t.Errorf("%+v", res)
			}
		}
		expectAlone(t)
	})
}

func TestHandlesTerm(t *testing.T) {
	for script, want := range map[string]bool{
		"trap : TERM; echo ready; read x": true, "trap '' TERM; echo ready; read x": false, "echo ready; exec cat": false,
	} {
		cmd := exec.Command("bash", "-c", script)
		in, errIn := cmd.StdinPipe()
		out, errOut := cmd.StdoutPipe()
		if errIn != nil || errOut != nil {
			t.Fatal(errIn, errOut)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			if got := handlesTerm(cmd.Process.Pid); got != want {
				return fmt.Errorf("%q: %v", script, got)
			}
			return nil
		})
		_ = in.Close()
		_ = cmd.Wait() // how it ends does not matter
	}
	if handlesTerm(-1) {
		t.Error("nobody handles SIGTERM")
	}
}

// TestAFrozenLeftoverIsThawed stands for an agent that was killed while it asked a run to end, with
// a policy that leaves orphans alone.
func TestAFrozenLeftoverIsThawed(t *testing.T) {
	h := newTestHost(t, markCgroup)
	o := crash(t, markCgroup)
	group, found := h.cgroups.find(o.Mark)
	if !found {
		t.Fatal("the orphan has no cgroup")
	}
	if err := group.write("cgroup.freeze", "1"); err != nil {
		t.Fatal(err)
	}
	h.cgroups.sweep()
	text, err := os.ReadFile(group.path + "/cgroup.freeze")
	if err != nil || strings.TrimSpace(string(text)) != "0" {
		t.Errorf("cgroup.freeze is %q, %v", text, err)
	}
	for pid := range others() {
		_ = unix.Kill(pid, unix.SIGKILL) // nobody else is in this PID namespace
	}
	expectAlone(t)
}
