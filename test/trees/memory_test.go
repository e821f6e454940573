//go:build linux

package trees

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// The agent and all its runs share this much memory.
const sharedMemory = 96 << 20

// hog is a way to take too much of it.
type hog struct {
	name    string
	script  string
	options map[string]any
	unsaid  bool // the main process may end without a word of what happened to others
	long    bool // in full length only
}

// waitAll ends as the first of its children that did not end well.
const waitAll = "\ncode=0; for p in $pids; do wait $p || code=$?; done; exit $code\n"

// take lets a process of Bash hold megabytes, and wait until all of its kind had their turn.
const take = "take() { x=$(head -c $(($1 * 1000000)) /dev/zero | tr '\\0' x); sleep 2; }\n"

var hogs = []hog{
	{name: "one that grows", script: take + "take 300"},
	{name: "a child that grows", script: take + "take 300 & pids=$!" + waitAll, long: true},
	{name: "forty small children", script: take + "for i in $(seq 40); do take 3 & pids=\"$pids $!\"; done" + waitAll},
	{name: "children of children", script: take + "down() { [ $1 -eq 0 ] || { down $(($1 - 1)) & down $(($1 - 1)) & }; take 3; wait; }\ndown 6", unsaid: true, long: true},
	{name: "children that leave their session", script: take + "export -f take; for i in $(seq 40); do setsid -w bash -c 'take 3' & pids=\"$pids $!\"; done" + waitAll, long: true},
	{name: "another user's", script: take + "for i in $(seq 40); do take 3 & pids=\"$pids $!\"; done" + waitAll, options: map[string]any{"run_as": "nobody"}},
	{
		name: "what is left behind and ended", script: take +
			"for i in $(seq 40); do take 3 & done; sleep 3", unsaid: true, long: true,
		options: map[string]any{"kill_remaining": true},
	},
	{name: "Python", script: "x = bytearray(b'x' * 300_000_000)", options: map[string]any{"script_type": 0}},
	{
		name: "forty small children of Python", options: map[string]any{"script_type": 0}, script: `import os, sys, time
def child():
    x = bytearray(b'x' * 3_000_000)
    time.sleep(2)
    os._exit(0)
pids = [os.fork() or child() for _ in range(40)]
sys.exit(max(1 if os.waitpid(p, 0)[1] else 0 for p in pids))
`,
	},
	{name: "files in memory beside it", script: take + "head -c 20000000 /dev/zero >$FILES/file; take 300"},
	{name: "one that is nice", script: take + "take 300", options: map[string]any{"nice": 19}},
	{name: "one that lowers its score", script: take + "echo 0 >/proc/self/oom_score_adj; take 300"},
}

// TestMemoryRunsOut lets jobs take all the memory that there is for the agent and them. The kernel
// ends the job and never the agent, which goes on as before, with other runs beside it.
func TestMemoryRunsOut(t *testing.T) {
	for _, score := range []int{100, -500} {
		t.Run(fmt.Sprintf("agent at %d", score), func(t *testing.T) {
			if score < 0 && !mayProtect() {
				t.Skip("root lacks CAP_SYS_RESOURCE here, as in many containers: nothing may " +
					"lower an oom_score_adj")
			}
			f, files := startShort(t, score)
			for _, one := range hogs {
				if !one.long || pidspace.Full() {
					t.Run(one.name, func(t *testing.T) { f.feed(t, one, files) })
				}
			}
			if out := f.output(t, "beside",
				"cat /proc/self/oom_score_adj"); out != fmt.Sprintln(score+500) {
				t.Errorf("a run has the score %q", out)
			}
		})
	}
}

// mayProtect reports whether this process has the right CAP_SYS_RESOURCE.
func mayProtect() bool {
	status, err := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "\nCapEff:\t")
	line, _, _ := strings.Cut(after, "\n")
	held, invalid := strconv.ParseUint(line, 16, 64)
	return err == nil && invalid == nil && held&(1<<unix.CAP_SYS_RESOURCE) != 0
}

func (f *fixture) feed(t *testing.T, one hog, files string) {
	t.Helper()
	options := map[string]any{
		"timeout_seconds": 60,
		"environment":     map[string]string{"FILES": files},
	}
	for name, value := range one.options {
		options[name] = value
	}
	f.store(t, one.name, one.script, options)
	run, err := f.client.StartJob(t.Context(), one.name)
	if err == nil {
		run, err = f.client.AwaitEnd(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatalf("%v; the agent wrote:\n%s", err, f.Log())
	}
	if !one.unsaid && (run.State != "failed" || !strings.Contains(run.Reason, "memory ran out")) {
		t.Errorf("%+v", run)
	}
	if err := os.RemoveAll(files + "/file"); err != nil {
		t.Error(err)
	}
	if err := unix.Kill(f.PID, 0); err != nil || len(f.Done()) > 0 {
		t.Errorf("the agent is gone: %v", err)
	}
}

// startShort starts an agent that is short of memory, and returns a small file system in memory.
func startShort(t *testing.T, score int) (*fixture, string) {
	t.Helper()
	procs := shortGroup(t)
	m := mark{}
	dir := m.dir(t)
	files := filepath.Join(dir, "files")
	err := os.Mkdir(files, 0o755)
	if err == nil {
		err = unix.Mount("none", files, "tmpfs", 0, "size=30m") // of this mount namespace
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(files, unix.MNT_DETACH) })
	path := filepath.Join(dir, "gustyd")
	text := fmt.Sprintf(
		"#!/bin/sh\necho $$ >%s && echo %d >/proc/self/oom_score_adj && exec '%s' \"$@\"\n",
		procs, score, os.Getenv(agent.BinaryVariable))
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	f := &fixture{flags: m.dir(t)}
	if f.Process, err = agent.Start(t.Context(), agent.Options{
		Binary: path,
		Dir:    filepath.Join(dir, "data"),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Kill(); err != nil {
			t.Error(err)
		}
		pidspace.ExpectOnly(t) // the group can't be removed before
	})
	f.client = f.ClientT(t)
	return f, files
}

// shortGroup makes a memory cgroup of any version, and returns the file that takes processes in.
func shortGroup(t *testing.T) (procs string) {
	t.Helper()
	for _, where := range []struct{ base, limit, swap, noSwap string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", fmt.Sprint(sharedMemory)},
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max", "0"},
	} {
		path, err := os.MkdirTemp(where.base, "gusty-short-")
		if err != nil {
			continue
		}
		t.Cleanup(func() {
			pidspace.Eventually(t, 10*time.Second, func() error { return removeGroup(path) })
		})
		if os.WriteFile(path+"/"+where.limit, fmt.Append(nil, sharedMemory), 0) != nil {
			continue
		}
		// where the kernel counts swap
		_ = os.WriteFile(path+"/"+where.swap, []byte(where.noSwap), 0)
		return path + "/cgroup.procs"
	}
	pidspace.Lacks(t, "no memory cgroup can be made here")
	return ""
}

// removeGroup also removes what an agent that was killed has left below it.
func removeGroup(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.IsDir() {
			_ = removeGroup(path + "/" + e.Name())
		}
	}
	if err != nil {
		return err
	}
	return unix.Rmdir(path)
}
