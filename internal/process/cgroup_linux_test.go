package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeCgroup is a directory with the files that a controller would show.
func fakeCgroup(t *testing.T, files map[string]string) cgroup {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cgroup{path: dir}
}

func (g cgroup) text(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.path, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLimitsAreWrittenAsTheKernelReadsThem(t *testing.T) {
	g := fakeCgroup(t, map[string]string{"memory.max": "", "memory.oom.group": "", "cpu.max": ""})
	if err := g.limit(&Spec{MemoryLimitBytes: 64 << 20, CPULimitPercent: 150}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"memory.max":       "67108864",
		"memory.oom.group": "1",
		"cpu.max":          "150000 100000",
	} {
		if got := g.text(t, file); got != want {
			t.Errorf("%s: %q", file, got)
		}
	}
	if err := (cgroup{path: t.TempDir()}).limit(&Spec{MemoryLimitBytes: 1}); err == nil {
		t.Error("a limit that nobody holds was taken")
	}
}

func TestAccountsAreReadAsTheKernelWritesThem(t *testing.T) {
	g := fakeCgroup(t, map[string]string{
		"cpu.stat":      "usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnice_usec 0\n",
		"memory.peak":   "1234567\n",
		"memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n",
	})
	var res Result
	g.account(&res)
	if res.CPUUser != 2*time.Millisecond || res.CPUSystem != time.Millisecond ||
		res.MaxRSSBytes != 1_234_567 || res.Shortage != ShortageOfLimit {
		t.Errorf("%+v", res)
	}
	kept := Result{CPUUser: 5, MaxRSSBytes: 6}
	fakeCgroup(t, map[string]string{
		"cpu.stat":    "user_usec many\n",
		"memory.peak": "max\n",
	}).account(&kept)
	if kept.CPUUser != 5 || kept.MaxRSSBytes != 6 || kept.Shortage != ShortageNone {
		t.Errorf("%+v", kept)
	}
}

func TestTheKernelsKillsAreTold(t *testing.T) {
	for events, want := range map[string]Shortage{
		"oom 0\noom_kill 0\n": ShortageNone, "oom 3\noom_kill 0\n": ShortageNone,
		"oom 0\noom_kill 2\n": ShortageOfHost, "oom 1\noom_kill 2\n": ShortageOfLimit,
	} {
		if got, counted := shortageOf([]byte(events)); got != want || !counted {
			t.Errorf("%q: %d, %t", events, got, counted)
		}
	}
	if got, counted := shortageOf([]byte("low 0\n")); got != ShortageNone || counted {
		t.Errorf("Linux before 4.13: %d, %t", got, counted)
	}
}

func TestControllersAreHandedOn(t *testing.T) {
	base := fakeCgroup(t, map[string]string{
		"cgroup.controllers":     "cpuset cpu memory\n",
		"cgroup.subtree_control": "memory\n",
	})
	path := base.path + "/" + parentPrefix + "1.x"
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	runs := cgroup{path: path}
	if err := os.WriteFile(runs.path+"/cgroup.subtree_control", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &cgroupParent{cgroupDir: cgroupDir{base: base.path, path: runs.path}}
	if err := p.enable("memory"); err != nil {
		t.Fatal(err)
	}
	if base.text(t, "cgroup.subtree_control") != "memory\n" ||
		runs.text(t, "cgroup.subtree_control") != "+memory" {
		t.Error("what was handed on already was written again, or the rest was not")
	}
	if err := p.enable("io"); err == nil || !strings.Contains(err.Error(), "Delegate=yes") {
		t.Error(err)
	}
}

// TestControllersAreHandedOnAgain has the files of a controller missing, as when somebody took it
// away.
func TestControllersAreHandedOnAgain(t *testing.T) {
	base := fakeCgroup(t, map[string]string{
		"cgroup.controllers":     "memory\n",
		"cgroup.subtree_control": "",
	})
	runs := fakeCgroup(t, map[string]string{"cgroup.subtree_control": ""})
	p := &cgroupParent{
		cgroupDir:   cgroupDir{base: base.path, path: runs.path},
		log:         slog.New(slog.DiscardHandler),
		controllers: []string{"memory"},
	}
	if err := p.limit(fakeCgroup(t, nil), &Spec{MemoryLimitBytes: 1 << 20}); err == nil {
		t.Error("a limit that nobody holds was taken")
	}
	if base.text(t, "cgroup.subtree_control") != "+memory" ||
		runs.text(t, "cgroup.subtree_control") != "+memory" {
		t.Error("the controller was not handed on again")
	}
}

func TestMarksArePlainNames(t *testing.T) {
	for mark, want := range map[string]bool{
		"019a-b_C": true, "": false, ".": false, "a.b": false, "a/b": false, "é": false, strings.Repeat("x", 65): false,
	} {
		if validMark(mark) != want {
			t.Errorf("%q", mark)
		}
	}
}
