package process

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Host starts processes in the way that this machine allows. A process has one at most: two would
// reap each other's runs.
type Host struct {
	log      *slog.Logger
	caps     capabilities
	mark     markKind
	limits   limitMarks
	heritage heritage
	kills    *oomKills
	cgroups  *cgroupParent // nil where mark is not markCgroup
	children *children
	reaper   *reaper
	null     int // descriptor of the null device, opened for reading
	starts   starts
	pieces   *sync.Pool
	lingers  lingerers
	unnamed  serial
}

// markKind is how the processes of a run are told from others.
type markKind int

const (
	markCgroup markKind = iota
	markNamespace
	markKinship
)

// NewHost probes the machine, makes the agent a child subreaper and starts to reap what is adopted.
// The error is that of a machine that can't run anything; a capability that is missing is none.
func NewHost(o HostOptions) (*Host, error) { return newHost(o, markCgroup) }

// newHost begins its choice of a mark with best.
func newHost(o HostOptions, best markKind) (*Host, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("standard input for scripts: %w", err)
	}
	h := &Host{
		log:      o.Logger,
		null:     null,
		children: newChildren(),
		starts:   newStarts(),
		pieces:   newPieces(),
		kills:    newOOMKills(),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.caps.probed(CapPidfd, probePidfd(),
		"a run is signalled without a doubt which process is meant")
	h.caps.probed(CapMemfd, probeMemfd(), "a script reaches its interpreter without a file")
	h.caps.probed(CapSubreaper, becomeSubreaper(), "orphans of a run stay descendants of the agent")
	h.chooseMark(best)
	h.caps.probed(CapDisinherit, h.probeHeritage(),
		"a run has nothing of the agent's protection and keyring from its first instruction on")
	h.caps.probed(CapRunAs, probeRunAs(), "runs may have another user")
	h.reaper = startReaper(h.children, h.orphansReaped)
	return h, nil
}

// Close stops reaping and takes the agent's cgroup away. Runs should have ended.
func (h *Host) Close() error {
	h.reaper.close()
	err := unix.Close(h.null)
	if h.cgroups != nil {
		err = errors.Join(err, h.cgroups.close())
	}
	return err
}

// reapSoon is called when a tree was killed, whose processes may have become the agent's.
func (h *Host) reapSoon() { h.reaper.soon() }

func (h *Host) orphansReaped() {
	if h.cgroups != nil {
		h.cgroups.removeFilled()
	}
}

// chooseMark probes every kind, also those that are not needed then, since an operator wants to
// know.
func (h *Host) chooseMark(best markKind) {
	h.mark = markKinship
	h.caps.probed(CapCgroupNamespace, probeNamespace(), "a mark for the processes of a run")
	if best <= markNamespace && h.canMarkBySpace() {
		h.mark = markNamespace
	}
	h.caps.probed(CapLimitMark, h.limits.probe(),
		"a mark for the processes of a run where there is no better one")
	if best == markCgroup {
		h.chooseCgroup()
	}
}

// canMarkBySpace reports whether runs may have a cgroup namespace of their own.
func (h *Host) canMarkBySpace() bool {
	return h.caps.find(CapCgroupNamespace).Available && h.caps.find(CapPidfd).Available
}

func (h *Host) chooseCgroup() {
	parent, err := h.probeCgroup()
	if !h.caps.probed(CapCgroup, err, pathOf(parent)) {
		for _, name := range []string{CapCgroupKill, CapMemory, CapCPU} {
			h.caps.add(name, false, "there is no cgroup for runs: "+err.Error())
		}
		return
	}
	h.mark, h.cgroups = markCgroup, parent
	h.caps.probed(CapCgroupKill, unix.Access(parent.path+"/cgroup.kill", unix.W_OK),
		"a run is ended whole at once")
	h.caps.probed(CapMemory, parent.begin("memory"), "memory_limit_bytes is held")
	h.caps.probed(CapCPU, parent.begin("cpu"), "cpu_limit_percent is held")
	parent.sweep()
}

// asOfNow corrects what was probed at the start: the directory for cgroups may be elsewhere by now,
// or gone.
func (h *Host) asOfNow(caps capabilities) []Capability {
	if h.cgroups == nil {
		return caps
	}
	path, missing := h.cgroups.standing()
	for i := range caps {
		switch {
		case caps[i].Name == CapCgroup && missing == nil:
			caps[i].Detail = path
		case caps[i].Name == CapCgroup:
			caps[i].Available, caps[i].Detail = false, "a cgroup can't be made any more: "+
				missing.Error()
		}
	}
	return caps
}

func pathOf(p *cgroupParent) string {
	if p == nil {
		return ""
	}
	return p.path
}
