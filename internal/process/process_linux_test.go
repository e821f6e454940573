package process

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEveryExitCode(t *testing.T) {
	h := bestHost(t)
	for code := range 256 {
		res, _, _ := run(t, h, Spec{Script: fmt.Appendf(nil, "exit %d", code)})
		if res.ExitCode != code || res.Signal != "" || res.Err != nil ||
			res.Succeeded() != (code == 0) {
			t.Fatalf("exit %d: %+v", code, res)
		}
	}
}

func TestEverySignal(t *testing.T) {
	h := bestHost(t)
	for _, name := range []string{"HUP", "INT", "ABRT", "KILL", "SEGV", "TERM", "USR1", "XCPU"} {
		res, _, _ := run(t, h, Spec{Script: []byte("ulimit -c 0; kill -" + name + " $$")})
		if res.Signal != "SIG"+name || res.ExitCode != -1 || res.Err != nil {
			t.Errorf("%s: %+v", name, res)
		}
	}
	res, _, _ := run(t, h, Spec{Script: []byte("kill -37 $$")})
	if res.Signal != "SIGRTMIN+3" {
		t.Errorf("a real-time signal: %+v", res)
	}
}

func TestOutputArrivesWhole(t *testing.T) {
	eachMark(t, func(t *testing.T, h *Host) {
		res, out, errs := run(t, h, Spec{
			Script: []byte("head -c 3000000 /dev/zero; printf 'a\\xff\\0b' >&2; exit 3"),
			Args:   []string{"x"},
		})
		if res.ExitCode != 3 || len(out) != 3_000_000 || errs != "a\xff\x00b" ||
			res.LeftRunning != 0 {
			t.Fatalf("%+v, %d bytes, %q", res, len(out), errs)
		}
	})
}

func TestScriptsOfAllSizes(t *testing.T) {
	h := bestHost(t)
	if res, out, errs := run(t, h, Spec{}); res.ExitCode != 0 || out != "" || errs != "" {
		t.Fatalf("an empty script: %+v %q %q", res, out, errs)
	}
	long := append(bytes.Repeat([]byte("# filler\n"), 1<<20/9), "echo end $#"...)
	res, out, _ := run(t, h, Spec{Script: long, Args: []string{"a b", ""}})
	if res.ExitCode != 0 || out != "end 2\n" {
		t.Fatalf("a long script: %+v %q", res, out)
	}
}

func TestPython(t *testing.T) {
	h := bestHost(t)
	if findProgram("python3", defaultPath) == "" {
		t.Skip("there is no python3")
	}
	spec := Spec{
		Interpreter: "python-of-the-moon", Alternatives: []string{"python3"}, Args: []string{"é 1"},
		Script: []byte("import sys, json\nprint(sys.argv[1:], sys.stdin.read() == '')\n"),
	}
	if res, out, errs := run(t, h, spec); res.ExitCode != 0 || out != "['é 1'] True\n" {
		t.Fatalf("%+v %q %q", res, out, errs)
	}
}

func TestShellCommand(t *testing.T) {
	h := bestHost(t)
	res, out, _ := run(t, h, Spec{Shell: true, CommandLine: `echo "$0 $#" | tr a-z A-Z; exit 4`, Args: []string{"one"}})
	if res.ExitCode != 4 || out != "SH 1\n" {
		t.Fatalf("%+v %q", res, out)
	}
}

// TestTheScriptSeesOnlyWhatItShould looks at the environment, the descriptors, the argument list
// and standard input from within.
func TestTheScriptSeesOnlyWhatItShould(t *testing.T) {
	leaked, err := unix.Open("/dev/zero", unix.O_RDONLY, 0) // as if the agent had inherited it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(leaked) }()
	if err := CloseInherited(); err != nil {
		t.Fatal(err)
	}
	eachMark(t, func(t *testing.T, h *Host) {
		script := "# secret-in-the-script\n" + `tr '\0' '\n' </proc/$$/environ; echo "arguments $(tr '\0' ' ' </proc/$$/cmdline)"
			printf 'fds '; ls -m /proc/$$/fd; echo "stdin $(readlink /proc/$$/fd/0)"; cat; [ "$(ps -o pgid= $$)" -eq $$ ] && echo leader`
		_, out, _ := run(t, h, Spec{
			Script: []byte(script),
			Env:    testEnv("A=1", "B=x y", "A=2"),
			Args:   []string{"arg"},
		})
		// 255 is how bash reads the script
		for _, want := range []string{
			"A=2\n", "B=x y\n", "stdin /dev/null\n",
			"fds 0, 1, 2, 255, 3\n", "leader\n",
			scriptPath + " arg",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in %s", want, out)
			}
		}
		if strings.Contains(out, "secret") || strings.Contains(out, "A=1") ||
			strings.Contains(out, stageVariable) {
			t.Errorf("too much is visible: %s", out)
		}
	})
}

func TestTheScriptCannotBeChanged(t *testing.T) {
	h := bestHost(t)
	_, out, _ := run(t, h, Spec{Script: []byte("echo x 2>/dev/null >/proc/self/fd/3 || echo " +
		"refused; stat -Lc %a $0")})
	if out != "refused\n755\n" {
		t.Fatalf("%q", out)
	}
}

func TestNice(t *testing.T) {
	own, err := exec.Command("nice").Output() // who runs this may have made it nice
	if err != nil {
		t.Fatal(err)
	}
	eachMark(t, func(t *testing.T, h *Host) {
		if _, out, _ := run(t, h, Spec{
			Script: []byte("nice; (nice) & wait"),
			Nice:   7,
		}); out != "7\n7\n" {
			t.Errorf("%q", out)
		}
		if _, out, _ := run(t, h, Spec{Script: []byte("nice")}); out != string(own) {
			t.Errorf("afterwards: %q", out)
		}
	})
}

func TestWhatIsKnownOfAProcess(t *testing.T) {
	h := bestHost(t)
	before := time.Now()
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Env:         testEnv(),
		Script:      []byte("for i in {1..20000}; do :; done; exit 7"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !isProcess(p.PID(), p.StartTicks()) || isProcess(p.PID(), p.StartTicks()+1) ||
		isProcess(p.PID(), 0) {
		t.Error("the start time does not tell the process")
	}
	res := p.Wait()
	if p.StartedAt().Before(before) || res.Ended.Before(p.StartedAt()) || res.ExitCode != 7 {
		t.Errorf("%+v", res)
	}
	if res.CPUUser+res.CPUSystem <= 0 || res.MaxRSSBytes <= 0 {
		t.Errorf("no usage: %+v", res)
	}
}
