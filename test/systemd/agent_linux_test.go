package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

const (
	unit      = "gusty.service"
	dataDir   = "/var/lib/gusty"
	faultsDir = "/run/gusty-faults"
	sleeping  = "/run/sleeping" // is there once the job sleeper is under way
	// settleWithin bounds the wait for what becomes of the agent; it takes some seconds.
	settleWithin = 2 * time.Minute
)

// host is a machine with the agent installed as deploy/systemd/README.md says.
type host struct {
	*Machine
	t *testing.T
}

// installed boots a machine and installs the unit, gustyctl and a gustyd that can be made to crash.
func installed(t *testing.T) *host {
	t.Helper()
	h := &host{Machine: BootT(t), t: t}
	root, err := agent.Root(t.Context())
	h.must(err)
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "faults", "-o",
		dir,
		"./cmd/gustyd", "./cmd/gustyctl")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	h.must(os.RemoveAll(h.Path(dataDir))) // of the machine alone: what this host has is below
	h.must(errors.Join(
		h.Copy(filepath.Join(dir, "gustyd"), "/usr/bin/gustyd", 0o755),
		h.Copy(filepath.Join(dir, "gustyctl"), "/usr/bin/gustyctl", 0o755),
		h.Copy(filepath.Join(root, "deploy/systemd", unit), "/etc/systemd/system/"+unit, 0o644),
		h.Write("/etc/default/gusty", "GUSTY_FAULTS="+faultsDir+"\n", 0o600),
		os.MkdirAll(h.Path(faultsDir), 0o700),
	))
	return h
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// run runs a command inside, which must succeed.
func (h *host) run(words ...string) string {
	h.t.Helper()
	out, err := h.Run(h.t.Context(), words[0], words[1:]...)
	h.must(err)
	return out
}

// dropIn changes the unit, or with an empty text makes it as it was delivered.
func (h *host) dropIn(text string) {
	h.t.Helper()
	const file = "/etc/systemd/system/gusty.service.d/test.conf"
	if text == "" {
		h.must(os.RemoveAll(h.Path(filepath.Dir(file))))
	} else {
		h.must(h.Write(file, text, 0o644))
	}
	h.run("systemctl", "daemon-reload")
}

// life is how systemd sees the agent.
type life struct {
	pid, restarts       int
	active, sub, result string
	status, text        string
}

func (h *host) look(ctx context.Context) (l life, err error) {
	p, err := h.Properties(ctx, unit)
	if err != nil {
		return l, err
	}
	l.pid, err = strconv.Atoi(p["MainPID"])
	if err != nil {
		return l, fmt.Errorf("MainPID: %w", err)
	}
	l.restarts, err = strconv.Atoi(p["NRestarts"])
	l.active, l.sub, l.result = p["ActiveState"], p["SubState"], p["Result"]
	l.status, l.text = p["ExecMainStatus"], p["StatusText"]
	return l, err
}

// await waits until the agent is as wanted.
func (h *host) await(what string, wanted func(life) bool) life {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), settleWithin)
	defer cancel()
	var seen life
	err := h.poll(ctx, func() bool {
		var err error
		seen, err = h.look(ctx)
		return err == nil && wanted(seen)
	})
	if err != nil {
		h.t.Fatalf("the agent is not %s, but %+v: %v", what, seen, err)
	}
	return seen
}

// well starts the agent anew if it is not up, with a unit as it was delivered.
func (h *host) well() life {
	h.t.Helper()
	h.dropIn("")
	l, err := h.look(h.t.Context())
	h.must(err)
	if l.active != "active" {
		h.run("systemctl", "start", unit)
	}
	h.answers()
	return h.await("up", func(l life) bool { return l.sub == "running" })
}

// answers requires that the agent serves.
func (h *host) answers() {
	h.t.Helper()
	if out := h.run("gustyctl", "status"); !strings.Contains(out, "unning") {
		h.t.Errorf("gustyctl status says:\n%s", out)
	}
}

// signal sends the agent a signal.
func (h *host) signal(l life, signal string) { h.run("kill", "-"+signal, strconv.Itoa(l.pid)) }

// sleep starts a run that lasts, and waits until it is under way.
func (h *host) sleep() {
	h.t.Helper()
	_ = os.Remove(h.Path(sleeping)) // there may be none
	h.run("gustyctl", "job", "run", "sleeper")
	ctx, cancel := context.WithTimeout(h.t.Context(), 15*time.Second)
	defer cancel()
	err := h.poll(ctx, func() bool {
		_, err := os.Stat(h.Path(sleeping))
		return err == nil
	})
	if err != nil {
		h.t.Fatalf("the run does not begin: %v\n%s", err, h.run("gustyctl", "run", "ls", "--json"))
	}
}
