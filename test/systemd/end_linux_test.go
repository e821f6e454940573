package systemd

import (
	"os"
	"strings"
)

// end is an end after which the agent must stay down.
type end struct {
	name string
	// cause leads to the end, of an agent that is up.
	cause  func(h *host, l life)
	status string // the exit status of a failure; empty: it counts as none
	told   says
	undo   func(h *host)
}

func ends() []end {
	return []end{
		{name: "shutdown", cause: byCommand("gustyctl", "shutdown"), told: says{`"stopped"`}},
		{name: "SIGTERM", cause: bySignal("TERM"), told: says{`"stopped"`}},
		{name: "SIGINT", cause: bySignal("INT"), told: says{`"stopped"`}},
		{name: "stop", cause: byCommand("systemctl", "stop", unit), told: says{`"stopped"`}},
		{name: "second signal", cause: stopTwice, told: says{`"stopping"`, `Deactivated succ`}},
		{name: "variable", cause: wrongVariable, status: "64", told: says{`--log-level: "loud" is`}},
		{
			name: "in use", cause: useDirectory, status: "4", told: says{`process [0-9]+`},
			undo: func(h *host) { h.run("systemctl", "stop", "other.service") },
		},
	}
}

func byCommand(words ...string) func(*host, life) {
	return func(h *host, _ life) { h.run(words...) }
}

// stopTwice asks an agent to stop that has a run to end first, and once more.
func stopTwice(h *host, l life) {
	h.sleep()
	since, err := h.Cursor(h.t.Context())
	h.must(err)
	h.signal(l, "TERM")
	h.await("stopping", func(life) bool {
		journal, err := h.Journal(h.t.Context(), unit, since)
		return err == nil && strings.Contains(journal, `"stopping"`)
	})
	h.signal(l, "TERM")
}

func wrongVariable(h *host, _ life) {
	h.dropIn("[Service]\nEnvironment=GUSTY_LOG_LEVEL=loud\n")
	_, _ = h.Run(h.t.Context(), "systemctl", "restart", unit) // which fails
}

// useDirectory starts an agent by hand on the unit's data directory.
func useDirectory(h *host, _ life) {
	h.run("systemctl", "stop", unit)
	h.run("systemd-run", "--unit=other.service", "--service-type=notify", "--quiet",
		"gustyd", "--data-dir", dataDir)
	_, _ = h.Run(h.t.Context(), "systemctl", "start", unit) // which fails
}

// ends ends the agent and requires that it stays down: that systemd has no restart before it.
func (h *host) ends(e end) {
	h.t.Helper()
	before := h.well()
	since, err := h.Cursor(h.t.Context())
	h.must(err)
	if e.undo != nil {
		defer e.undo(h)
	}
	e.cause(h, before)
	h.isDown(before, e.status)
	h.told(since, e.told)
}

// isDown waits until the agent has ended with a status and nobody is to start it again.
func (h *host) isDown(before life, status string) {
	h.t.Helper()
	failed := status != ""
	state := map[bool]string{false: "inactive", true: "failed"}[failed]
	now := h.await("down", func(l life) bool {
		return l.active == "inactive" || l.active == "failed"
	})
	// Of a unit that is inactive systemd soon forgets the status.
	if now.active != state || failed && now.status != status {
		h.t.Errorf("the unit is %+v, want it %s with status %q", now, state, status)
	}
	if failed && now.text == "" {
		h.t.Error("systemctl status has no sentence that says why")
	}
	if now.restarts > before.restarts && !failed {
		h.t.Errorf("it was restarted: %+v, then %+v", before, now)
	}
}

// cutDatabase cuts the database under an agent that has it mapped: it dies when it reads, is
// started again, finds the damage, and stays down. The file is left as it is.
func (h *host) cutDatabase() {
	h.t.Helper()
	h.well()
	since, err := h.Cursor(h.t.Context())
	h.must(err)
	file := h.Path(dataDir + "/gusty.db")
	h.must(os.Truncate(file, 8192))
	now := h.await("down by the damage", func(l life) bool {
		if l.active == "active" {
			_, _ = h.Run(h.t.Context(), "gustyctl", "job", "show", "sleeper") // it reads
		}
		return l.active == "failed"
	})
	if now.status != "5" || !strings.Contains(now.text, "gusty.db") {
		h.t.Errorf("it is down with status %s and says %q", now.status, now.text)
	}
	h.told(since, says{`SIGBUS`, `code=exited, status=2/`, `gusty\.db`, `code=exited, status=5/`})
	if info, err := os.Stat(file); err != nil || info.Size() != 8192 {
		h.t.Errorf("the damaged file was touched: %v, %v", info, err)
	}
}
