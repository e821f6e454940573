//go:build linux

package trees

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/test/agent"
	"gusty/test/pidspace"
)

// mark is a way in which an agent tells the processes of a run from others, with what makes it
// choose that way on this machine.
type mark struct {
	name  string
	shell string // runs before gustyd, in a mount namespace of its own
	as    string // how gustyd is executed
	owner int    // of the data directory; 0: root
}

const nobody = 65534

var marks = []mark{
	{name: "cgroup", shell: `grep -q " cgroup2 " /proc/mounts || mount -t cgroup2 cgroup2 /mnt`},
	{name: "namespace", shell: `while read -r _ at type _; do [ "$type" != cgroup2 ] || umount -l "$at"; done </proc/mounts`},
	{name: "kinship", as: "setpriv --reuid=65534 --regid=65534 --clear-groups", owner: nobody},
}

// fixture is an agent that has the mark.
type fixture struct {
	*agent.Process
	mark   mark
	client *agent.Client
	flags  string // a directory that every script may write to
}

// start starts the agent as somebody would who is careless with descriptors: 9 is open.
func (m mark) start(t *testing.T) *fixture {
	t.Helper()
	if m.owner != 0 && !hasManyUsers() {
		m.as, m.owner = "", 0 // whoever runs this is no more than root of a namespace with one user
	}
	f := &fixture{mark: m, flags: m.dir(t)}
	dir := m.dir(t)
	if err := os.Chmod(f.flags, 0o777); err != nil {
		t.Fatal(err)
	}
	var err error
	f.Process, err = agent.Start(t.Context(), agent.Options{
		Binary: m.wrapper(t, dir),
		Dir:    filepath.Join(dir, "data"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Kill(); err != nil {
			t.Error(err)
		}
	})
	f.client = f.ClientT(t)
	f.expectMark(t)
	return f
}

// hasManyUsers reports whether there are others to become.
func hasManyUsers() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && slices.Contains(strings.Fields(string(text)), "4294967295")
}

// dir is one that the agent's user can reach, which those of testing are not.
func (m mark) dir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "trees-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, m.owner, m.owner); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wrapper is what is started in place of gustyd, and becomes it.
func (m mark) wrapper(t *testing.T, dir string) string {
	t.Helper()
	shell := m.shell
	if shell == "" {
		shell = ":"
	}
	path := filepath.Join(dir, "gustyd")
	text := fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -c '%s\nexec 9</etc/passwd\nexec %s "+
		"\"$0\" \"$@\"' %s \"$@\"\n",
		strings.ReplaceAll(shell, "'", `'\''`), m.as, os.Getenv(agent.BinaryVariable))
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// expectMark looks from outside at what the agent gives to a run.
func (f *fixture) expectMark(t *testing.T) {
	t.Helper()
	out := f.output(t, "mark", `readlink /proc/$$/ns/cgroup; cat /proc/$$/cgroup; echo; ls -m /proc/$$/fd; ls -l /proc/$$/fd`)
	found := "kinship"
	switch {
	case strings.Contains(out, "/run-"):
		found = "cgroup"
	case !f.lives(t, strings.Fields(out)[0]):
		found = "namespace"
	}
	if found != f.mark.name {
		pidspace.Lacks(t, "this machine can't be made to use the mark %q: it uses %q", f.mark.name,
			found)
	}
	if !strings.Contains(out, "\n0, 1, 2, 255, 3\n") { // 255 is how bash reads the script
		t.Errorf("a script has other descriptors than its own:\n%s", out)
	}
}

// lives reports whether a thread of the agent is in the namespace: one that tried another out may
// have been left there.
func (f *fixture) lives(t *testing.T, namespace string) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/ns/cgroup", f.PID))
	if err != nil || len(threads) == 0 {
		t.Fatal("the agent has no threads", err)
	}
	return slices.ContainsFunc(threads, func(thread string) bool {
		link, err := os.Readlink(thread)
		return err == nil && link == namespace
	})
}

// output runs a script to its end and gives what it printed.
func (f *fixture) output(t *testing.T, name, script string) string {
	t.Helper()
	f.store(t, name, script, nil)
	run, err := f.client.StartJob(t.Context(), name)
	if err == nil {
		run, err = f.client.AwaitEnd(t.Context(), run.ID)
	}
	if err != nil || run.State != "succeeded" {
		t.Fatalf("%s: %+v, %v", name, run, err)
	}
	body, err := f.client.Want(t.Context(), 200, "GET", "/agent/runs/"+run.ID+
		"/output?stream=stdout", "")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (f *fixture) store(t *testing.T, name, script string, options map[string]any) {
	t.Helper()
	_, err := f.client.Want(t.Context(), 200, "POST", "/agent/job",
		agent.JobBodyWith(name, agent.Never, script, options))
	if err != nil {
		t.Fatal(err)
	}
}

func eachMark(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, program := range []string{"unshare", "setpriv", "bash", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			pidspace.Lacks(t, "%v", err)
		}
	}
	for _, m := range marks {
		t.Run(m.name, func(t *testing.T) { test(t, m.start(t)) })
	}
}
