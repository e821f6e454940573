package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crashingAgent is another agent: it starts a run, tells of it, and waits to be killed.
func crashingAgent() int {
	kind, _ := strconv.Atoi(os.Getenv("GUSTY_TEST_MARK"))
	h, err := newHost(HostOptions{}, markKind(kind))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := h.Start(Spec{
		Interpreter: "bash", Mark: "crash-1", Env: testEnv(),
		Script: []byte("(sleep 1000 & sleep 1001 & setsid sleep 1002 & wait) & wait"),
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(p.PID(), p.StartTicks())
	p.Wait()
	return 0
}

// crash returns what the agent had recorded before it was killed.
func crash(t *testing.T, kind markKind) Orphan {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), stageVariable+"=agent", fmt.Sprintf("GUSTY_TEST_MARK=%d", kind))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := Orphan{Mark: "crash-1"}
	if _, err := fmt.Fscan(bufio.NewReader(out), &o.PID, &o.StartTicks); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if n := len(others()); n != 6 { // the agent, bash, its subshell, three sleeps
			return fmt.Errorf("%d processes", n)
		}
		return nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return o
}

func TestOrphansAreFoundAndEnded(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		o := crash(t, h.mark)
		wrong := Orphan{Mark: "crash-2", PID: o.PID, StartTicks: o.StartTicks + 1}
		none := Orphan{}
		ctx := context.Background()
		if n, err := h.EndOrphans(ctx, []Orphan{wrong, none, {
			Mark:       "crash-3",
			PID:        os.Getpid(),
			StartTicks: 1,
		}}); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if h.cgroups == nil {
			rebooted := o
			rebooted.StartedAt = time.Unix(0, 0)
			if n, err := h.EndOrphans(ctx, []Orphan{rebooted}); n != 0 || err != nil {
				t.Fatal("a run of an earlier boot was found", n, err)
			}
		}
		o.StartedAt = time.Now()
		if n, err := h.CountOrphans(ctx, []Orphan{wrong, o, none}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if n := len(others()); n != 5 {
			t.Fatalf("%d processes are left after a look", n)
		}
		if n, err := h.EndOrphans(ctx, []Orphan{o, wrong}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		expectAlone(t)
		if n, err := h.EndOrphans(ctx, []Orphan{o}); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	})
}

func TestAnOrphanWithoutItsMainProcessIsFoundByItsMark(t *testing.T) {
	for name, kind := range map[string]markKind{"cgroup": markCgroup, "limit": markKinship} {
		t.Run(name, func(t *testing.T) {
			h := newTestHost(t, kind)
			o := crash(t, kind)
			if err := unix.Kill(o.PID, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if n, err := h.EndOrphans(context.Background(), []Orphan{{Mark: "crash-2"}}); n != 0 ||
				err != nil {
				t.Fatal("another run has them", n, err)
			}
			if n, err := h.EndOrphans(context.Background(), []Orphan{o}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			expectAlone(t)
		})
	}
}

func TestTheAgentsOwnAncestorsAreNoOrphans(t *testing.T) {
	h := bestHost(t)
	s, err := readStat(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	n, err := h.CountOrphans(context.Background(), []Orphan{{
		PID:        os.Getppid(),
		StartTicks: s.start,
	}})
	if n != 0 || err != nil {
		t.Fatal(n, err)
	}
}
