package process

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatCannotStart(t *testing.T) {
	h := bestHost(t)
	dir := t.TempDir()
	text := dir + "/text"
	if err := os.WriteFile(text, []byte("no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for want, spec := range map[string]Spec{
		"the interpreter bash is not in PATH /nowhere:.": {Interpreter: "bash", Env: []string{"PATH=/nowhere:."}},
		"the interpreter py3 or py is not in PATH":       {Interpreter: "py3", Alternatives: []string{"py"}, Env: testEnv()},
		"the interpreter /no/bash does not exist":        {Interpreter: "/no/bash", Env: testEnv()},
		text + " is not a program that this machine":     {Interpreter: text, Env: testEnv()},
		"the working directory /no/dir does not exist":   {Interpreter: "bash", Env: testEnv(), Dir: "/no/dir"},
		"the working directory " + text + " is not a": {
			Interpreter: "bash",
			Env:         testEnv(),
			Dir:         text,
		},
		`there is no user "nobody-at-all" on this host`:  {Interpreter: "bash", Env: testEnv(), RunAs: "nobody-at-all"},
		"argument 2 has a NUL character":                 {Interpreter: "bash", Env: testEnv(), Args: []string{"", "\x00"}},
		`the environment variable "A" has a NUL`:         {Interpreter: "bash", Env: testEnv("A=\x00")},
		"an entry of the environment is not":             {Interpreter: "bash", Env: testEnv("A")},
		"the run's mark":                                 {Interpreter: "bash", Env: testEnv(), Mark: "../x"},
		"there is neither an interpreter nor":            {Env: testEnv()},
		"a priority is a number":                         {Interpreter: "bash", Env: testEnv(), Nice: 20},
		"the arguments and the environment are too long": {Interpreter: "bash", Env: testEnv(), Args: []string{strings.Repeat("x", 1<<20)}},
	} {
		p, err := h.Start(spec)
		var sentence *StartError
		if p != nil || !errors.As(err, &sentence) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	expectAlone(t)
}

func TestRunAs(t *testing.T) {
	if !mapsManyUsers() {
		t.Skip("only one user is mapped into this namespace")
	}
	eachMark(t, func(t *testing.T, h *Host) {
		res, out, errs := run(t, h, Spec{
			Script: []byte("id -un; id -gn; id -G; cat $0 | wc -l; touch /root/x"),
			RunAs:  "nobody",
		})
		fields := strings.Fields(out)
		if res.ExitCode == 0 || len(fields) != 4 || fields[0] != "nobody" ||
			fields[1] != "nogroup" && fields[1] != "nobody" || fields[2] == "0" {
			t.Fatalf("%+v %q %q", res, out, errs)
		}
	})
}

func TestRunAsInADirectoryOfOthers(t *testing.T) {
	if !mapsManyUsers() {
		t.Skip("only one user is mapped into this namespace")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := bestHost(t).Start(Spec{
		Interpreter: "bash",
		Env:         testEnv(),
		RunAs:       "nobody",
		Dir:         dir,
	})
	if err == nil || !strings.Contains(err.Error(), "user nobody may not") {
		t.Error(err)
	}
}

// TestARunWhoseExitOthersTookEnds breaks the rule that nobody waits for any child.
func TestARunWhoseExitOthersTookEnds(t *testing.T) {
	h := bestHost(t)
	p, err := h.Start(Spec{Interpreter: "bash", Env: testEnv(), Script: []byte("exit 3")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Wait4(p.PID(), nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	if res := p.Wait(); res.Err == nil || res.ExitCode != -1 {
		t.Errorf("%+v", res)
	}
}

func mapsManyUsers() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && slices.Contains(strings.Fields(string(text)), "4294967295")
}

func TestLimitsThatTheHostCannotHold(t *testing.T) {
	h := newTestHost(t, markKinship)
	for field, limits := range map[string]Limits{
		"memory_limit_bytes": {MemoryLimitBytes: 1 << 20}, "cpu_limit_percent": {CPULimitPercent: 10}, "nice": {Nice: -21},
	} {
		var refused *UnsupportedError
		if err := h.Supports(limits); !errors.As(err, &refused) || refused.Field != field ||
			refused.Sentence == "" {
			t.Errorf("%s: %v", field, err)
		}
		_, err := h.Start(Spec{
			Interpreter:      "bash",
			Env:              testEnv(),
			MemoryLimitBytes: limits.MemoryLimitBytes,
			CPULimitPercent:  limits.CPULimitPercent,
			Nice:             limits.Nice,
		})
		if err == nil {
			t.Errorf("%s was ignored", field)
		}
	}
	if err := h.Supports(Limits{}); err != nil {
		t.Error(err)
	}
}

func TestBaseEnv(t *testing.T) {
	env, err := BaseEnv("", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "TZ"} {
		if lookupEnv(env, name) == "" {
			t.Errorf("%s is missing in %q", name, env)
		}
	}
	if len(env) != 5 || lookupEnv(env, "TZ") != "Europe/Berlin" {
		t.Errorf("%q", env)
	}
	if env, err = BaseEnv("nobody", ""); err != nil || lookupEnv(env, "PATH") != defaultPath ||
		lookupEnv(env, "USER") != "nobody" {
		t.Errorf("%q %v", env, err)
	}
	if _, err = BaseEnv("nobody-at-all", ""); err == nil {
		t.Error("an unknown user has an environment")
	}
}

// TestTryStart has the host lack descriptors.
func TestTryStart(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		if err := h.TryStart(); err != nil {
			t.Fatal(err)
		}
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{
			Cur: 3,
			Max: limit.Max,
		}, nil); err != nil {
			t.Fatal(err)
		}
		err := h.TryStart()
		if back := unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil); back != nil {
			t.Fatal(back)
		}
		var start *StartError
		if !errors.As(err, &start) || !start.OfHost {
			t.Errorf("%v", err)
		}
		if err := h.TryStart(); err != nil {
			t.Error(err)
		}
		if _, err := h.Start(Spec{
			Interpreter: "no-such-interpreter",
			Env:         testEnv(),
		}); !errors.As(err, &start) || start.OfHost {
			t.Errorf("the job's own fault: %v", err)
		}
	})
	expectAlone(t)
}
