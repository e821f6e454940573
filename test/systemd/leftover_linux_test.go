package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// killedVariable makes the test binary boot a machine and wait to be killed.
const killedVariable = "GUSTY_TEST_SYSTEMD_KILLED"

// TestNothingIsLeftOfAKilledTest kills a test that has booted a machine: nothing of that may stay.
func TestNothingIsLeftOfAKilledTest(t *testing.T) {
	if os.Getenv(killedVariable) != "" {
		m := BootT(t)
		fmt.Printf("%d %d\n", m.Leader, m.janitor.Process.Pid)
		select {}
	}
	if err := Lacks(); err != nil {
		t.Skip(err)
	}
	leader, janitor, pid := bootAndKill(t)
	deadline := time.Now().Add(closeWithin)
	for there(leader) || there(janitor) || len(cgroupsOf(pid)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("machine %d, janitor %d or %v is still there", leader, janitor, cgroupsOf(pid))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// bootAndKill lets another process boot a machine, and kills that process alone.
func bootAndKill(t *testing.T) (leader, janitor, pid int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, scanned := fmt.Fscanf(out, "%d %d\n", &leader, &janitor)
	if scanned == nil && (!there(leader) || len(cgroupsOf(cmd.Process.Pid)) == 0) {
		t.Error("there is no machine to leave anything of")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if scanned != nil {
		t.Fatalf("the machine did not boot: %v", scanned)
	}
	return leader, janitor, cmd.Process.Pid
}

func there(pid int) bool {
	_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	return err == nil
}

// cgroupsOf returns the cgroups of the machines that a process has booted.
func cgroupsOf(pid int) []string {
	name := "gusty-test-" + strconv.Itoa(pid) + "-*"
	top, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", name))
	below, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", "*", name))
	return append(top, below...)
}
