package process

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// eachBirth runs a test with children that the host makes by its own steps, and with those of the
// standard library.
func eachBirth(t *testing.T, test func(t *testing.T, h *Host, own bool)) {
	t.Run("own steps", func(t *testing.T) {
		h := bestHost(t)
		if why := h.caps.find(CapDisinherit); !why.Available {
			t.Skip(why.Detail)
		}
		test(t, h, true)
	})
	t.Run("standard library", func(t *testing.T) {
		h := bestHost(t)
		for i := range h.caps {
			h.caps[i].Available = h.caps[i].Available && h.caps[i].Name != CapDisinherit
		}
		test(t, h, false)
	})
}

// kinds are the ways in which a run can be started.
func kinds(script string) map[string]Spec {
	all := map[string]Spec{
		"script":  {Script: []byte(script)},
		"command": {Shell: true, CommandLine: script},
		"nice":    {Script: []byte(script), Nice: 5},
	}
	if mapsManyUsers() {
		all["run_as"] = Spec{Script: []byte(script), RunAs: "nobody", Dir: "/"}
		all["command run_as"] = Spec{Shell: true, CommandLine: script, RunAs: "nobody", Dir: "/"}
	}
	return all
}

func TestEveryRunHasASessionOfItsOwn(t *testing.T) {
	eachBirth(t, func(t *testing.T, h *Host, _ bool) {
		for name, spec := range kinds(`set -- $(sed 's/.*) //' /proc/$$/stat); echo $(($3 == $$)) $(($4 == $$)) $5; : </dev/tty`) {
			_, out, errs := run(t, h, spec)
			if out != "1 1 0\n" || !strings.Contains(errs, "No such device or address") &&
				!strings.Contains(errs, "cannot open /dev/tty") {
				t.Errorf("%s: group, session and terminal: %q %q", name, out, errs)
			}
		}
	})
}

// TestTheScoreIsThereFromTheBeginning reads the score as the first thing that a run does, often,
// and in a child of it.
func TestTheScoreIsThereFromTheBeginning(t *testing.T) {
	for own, want := range map[int]string{
		-1000: "0",
		-700:  "0",
		-200:  "300",
		0:     "500",
		499:   "999",
		600:   "1000",
		1000:  "1000",
	} {
		t.Run(fmt.Sprintf("agent at %d", own), func(t *testing.T) {
			setScore(t, own)
			h := bestHost(t)
			if why := h.caps.find(CapDisinherit); !why.Available {
				t.Skip(why.Detail)
			}
			for name, spec := range kinds(
				"read -r a </proc/self/oom_score_adj; echo $a $(cat /proc/self/oom_score_adj)") {
				for range 20 {
					if _, out, errs := run(t, h, spec); out != want+" "+want+"\n" {
						t.Fatalf("%s: %q %q", name, out, errs)
					}
				}
			}
			if text, err := os.ReadFile(oomScoreFile); err != nil ||
				strings.TrimSpace(string(text)) != fmt.Sprint(own) {
				t.Fatalf("the agent's own score became %q %v", text, err)
			}
		})
	}
}

func TestTheScoreOfARunIsNeverNegative(t *testing.T) {
	for own, want := range map[int]int{
		-1000: 0,
		-501:  0,
		-500:  0,
		-499:  1,
		0:     500,
		500:   1000,
		501:   1000,
		1000:  1000,
	} {
		if got := scoreAbove(own); got != want {
			t.Errorf("an agent with %d: %d", own, got)
		}
	}
}

func setScore(t *testing.T, score int) {
	t.Helper()
	before, err := os.ReadFile(oomScoreFile)
	if err == nil {
		err = os.WriteFile(oomScoreFile, fmt.Append(nil, score), 0)
	}
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(oomScoreFile, before, 0); err != nil {
			t.Error(err)
		}
	})
}

// searchKey is Python for keyctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "gusty test"): it
// prints the key's number, or -1.
const searchKey = `import ctypes
print(ctypes.CDLL(None).syscall(%d, 10, -3, b"user", b"gusty test", 0))
`

func TestTheAgentsKeysStayItsOwn(t *testing.T) {
	h := bestHost(t)
	if why := h.caps.find(CapDisinherit); !why.Available ||
		findProgram("python3", defaultPath) == "" {
		t.Skip("there is no python3, or: " + why.Detail)
	}
	runtime.LockOSThread() // for good: a session keyring is a thread's
	if _, err := unix.KeyctlJoinSessionKeyring(""); err != nil {
		t.Skip(err)
	}
	if _, err := unix.AddKey("user", "gusty test", []byte("secret"),
		unix.KEY_SPEC_SESSION_KEYRING); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(searchKey, unix.SYS_KEYCTL)
	inherits := exec.Command("python3", "-c", script)
	if out, err := inherits.Output(); err != nil || string(out) == "-1\n" {
		t.Fatalf("a child of the standard library does not find the key: %q %v", out, err)
	}
	for name, spec := range kinds(script) {
		if spec.Shell {
			spec.CommandLine = "python3 -c '" + script + "'"
		} else {
			spec.Interpreter = "python3"
		}
		if _, out, errs := run(t, h, spec); out != "-1\n" {
			t.Errorf("%s: the run finds the agent's key: %q %q", name, out, errs)
		}
	}
}

func TestTheLimitOnDescriptorsIsTheOneOfTheStart(t *testing.T) {
	var now unix.Rlimit
	if err := unix.Prlimit(os.Getpid(), unix.RLIMIT_NOFILE, nil, &now); err != nil {
		t.Fatal(err)
	}
	want, err := startedWithFiles(bestHost(t).null)
	if err != nil {
		t.Fatal(err)
	}
	if now.Cur < now.Max-1 || want.Cur > now.Cur {
		t.Fatalf("started with %+v, now %+v", want, now)
	}
	eachBirth(t, func(t *testing.T, h *Host, _ bool) {
		if _, out, _ := run(t, h,
			Spec{Script: []byte("ulimit -Sn")}); out != fmt.Sprintln(want.Cur) {
			t.Errorf("a run has %q, want %d", out, want.Cur)
		}
	})
}
