package systemd

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// upWithin is how soon an agent that died serves again. The machine may be busy, so that the best
// of all cases counts.
const upWithin = 10 * time.Second

// death is a way to die after which the agent must be up again.
type death struct {
	name   string
	dropIn string // to the unit
	die    func(h *host, l life)
	told   says
}

// says are regular expressions of what the journal must have. Its order is not looked at: systemd
// and the agent write to it independently.
type says []string

func bySignal(signal string) func(*host, life) {
	return func(h *host, l life) { h.signal(l, signal) }
}

// byFault makes the agent crash as cmd/gustyd/crash_faults.go names it.
func byFault(file, text string) func(*host, life) {
	return func(h *host, _ life) { h.must(h.Write(faultsDir+"/"+file, text, 0o600)) }
}

func deaths() []death {
	const (
		hung    = "[Service]\nWatchdogSec=3\n"
		crashed = `code=exited, status=2/`
		killed  = `code=killed, status=9/KILL`
		// A collection of garbage that gets no memory is not always told as that by Go 1.26.
		noMemory = `fatal error: .*memory|SIGSEGV: segmentation violation`
	)
	return []death{
		{"SIGABRT", "", bySignal("ABRT"), says{`SIGABRT: abort`, crashed}},
		{"SIGQUIT", "", bySignal("QUIT"), says{`SIGQUIT: quit`, crashed}},
		{"SIGSEGV", "", bySignal("SEGV"), says{`SIGSEGV: segmentation`, crashed}},
		{"SIGBUS", "", bySignal("BUS"), says{`SIGBUS: bus error`, crashed}},
		{"SIGKILL", "", killWithRun, says{killed}},
		{"watchdog", hung, bySignal("STOP"), says{`Watchdog timeout`, `SIGABRT: abort`, crashed}},
		{"panic", "", byFault("crash", "panic"), says{`panic: injected by a test`, crashed}},
		{"stack", "", byFault("crash", "stack"), says{`fatal error: stack overflow`, crashed}},
		{"map", "", byFault("crash", "map"), says{`fatal error: concurrent map writes`, crashed}},
		{"out of memory", "", outOfMemory, says{noMemory, crashed}},
		{"kernel's kill for memory", "", killedForMemory, says{killed}},
		{"SIGHUP at start", early("HUP"), restart, says{`result 'protocol'`}},
		{"SIGINT at start", early("INT"), restart, says{`result 'protocol'`}},
		{"SIGTERM at start", early("TERM"), restart, says{`result 'protocol'`}},
		{"an actor gives up", "", giveUp, says{`an actor gave up`, `code=exited, status=3/`}},
	}
}

// early returns a drop-in with which the process gets a signal before the agent can handle it, at
// its first start alone. systemd counts an end by one of these as clean, but not before READY=1.
func early(signal string) string {
	return "[Service]\nExecStart=\nExecStart=/bin/sh -c 'test -e /run/first || " +
		"{ touch /run/first; kill -" + signal +
		" $$$$; }; exec gustyd --data-dir ${STATE_DIRECTORY}'\n"
}

// restart starts the agent with its drop-in, from the first start on.
func restart(h *host, _ life) {
	h.run("rm", "-f", "/run/first")
	_, _ = h.Run(h.t.Context(), "systemctl", "restart", unit) // the first start fails
}

// killWithRun kills an agent that has a run under way, which must not hold up the next one.
func killWithRun(h *host, l life) {
	h.sleep()
	h.signal(l, "KILL")
}

// outOfMemory takes from the process what it has not yet: the Go runtime can map nothing more.
func outOfMemory(h *host, l life) {
	h.run("prlimit", "--pid", strconv.Itoa(l.pid), "--data=4096:4096")
	h.must(h.Write(faultsDir+"/crash", "memory", 0o600))
}

// killedForMemory lets the kernel end the agent in a memory cgroup.
func killedForMemory(h *host, l life) {
	h.limitMemory(l.pid, 16<<20)
	h.must(h.Write(faultsDir+"/crash", "memory", 0o600))
}

// giveUp makes the metric actor fail until the agent has ended.
func giveUp(h *host, l life) {
	h.must(h.Write(faultsDir+"/metric", "", 0o600))
	h.await("ended by its actor", func(now life) bool {
		if now.pid == l.pid {
			// An actor that gets no message cannot fail.
			_, _ = h.Run(h.t.Context(), "gustyctl", "metric")
		}
		return now.pid != l.pid
	})
	h.must(os.Remove(h.Path(faultsDir + "/metric")))
}

// TestDeaths tries each way to die under the unit as it is delivered: those after which the agent
// must be up again, and those after which it must stay down and say why.
func TestDeaths(t *testing.T) {
	h := installed(t)
	h.well()
	h.must(h.Write("/root/sleeper.sh", "trap '' TERM\ntouch "+sleeping+"\nsleep 1000\n", 0o600))
	h.run("gustyctl", "job", "add", "/root/sleeper.sh", "--cron", "@yearly")
	best := settleWithin
	for _, d := range deaths() {
		t.Run(d.name, func(t *testing.T) { best = min(best, h.in(t).dies(d)) })
	}
	if best > upWithin {
		t.Errorf("an agent that died serves again after %v at best, want %v", best, upWithin)
	}
	for _, e := range ends() {
		t.Run(e.name, func(t *testing.T) { h.in(t).ends(e) })
	}
	t.Run("cut database", func(t *testing.T) { h.in(t).cutDatabase() })
}

// in returns the host for a subtest.
func (h *host) in(t *testing.T) *host { return &host{Machine: h.Machine, t: t} }

// dies lets the agent die, waits until it is up again, and returns how long that took.
func (h *host) dies(d death) time.Duration {
	h.t.Helper()
	before := h.well()
	if d.dropIn != "" {
		h.run("touch", "/run/first") // a drop-in for a start acts later
		h.dropIn(d.dropIn)
		h.run("systemctl", "restart", unit)
		before = h.await("up", func(l life) bool { return l.sub == "running" })
	}
	since, err := h.Cursor(h.t.Context())
	h.must(err)
	begun := time.Now()
	d.die(h, before)
	h.await("up again", func(l life) bool {
		return l.sub == "running" && l.pid != before.pid && l.restarts > 0
	})
	took := time.Since(begun)
	h.answers()
	h.told(since, d.told)
	h.t.Logf("up again after %v", took.Round(10*time.Millisecond))
	return took
}

// told requires that the journal has something.
func (h *host) told(since Cursor, patterns says) {
	h.t.Helper()
	journal, err := h.Journal(h.t.Context(), unit, since)
	h.must(err)
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(journal) {
			h.t.Errorf("the journal does not tell %q:\n%s", pattern, shortened(journal))
		}
	}
}

func shortened(text string) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) > 60 {
		lines = append(append(lines[:30:30], "…\n"), lines[len(lines)-30:]...)
	}
	return strings.Join(lines, "")
}
