package process

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// findOrphan returns the tree of a run of an earlier agent; it is empty where nothing is proven to
// belong to it.
func (h *Host) findOrphan(o Orphan) orphanTree {
	if h.cgroups != nil && validMark(o.Mark) {
		if group, ok := h.cgroups.find(o.Mark); ok {
			return &orphanCgroup{cgroupTree{
				group:   group,
				main:    o.PID,
				parent:  h.cgroups,
				hasKill: h.caps.find(CapCgroupKill).Available,
			}}
		}
	}
	return newOrphanKin(o, h.limits.of(o.Mark))
}

type orphanCgroup struct{ cgroupTree }

func (t *orphanCgroup) remove() { t.group.remove() }

// orphanKin are the processes that are proven to be of the run by its main process or by its limit,
// each with its start time. They are looked up once more at every call as long as one of them
// lives, since they may fork.
type orphanKin struct {
	known map[int]uint64
	space string // the run's cgroup namespace; empty: it has none of its own
	group int    // the run's process group, and its session if it began one; 0: not known
	limit limitMark
}

func newOrphanKin(o Orphan, limit limitMark) *orphanKin {
	k := &orphanKin{known: map[int]uint64{}}
	if !o.beforeBoot(time.Now()) && !limit.has(os.Getpid()) {
		// the agent with that limit was started by that run
		k.limit = limit
	}
	if o.PID <= 1 || o.PID == os.Getpid() || o.beforeBoot(time.Now()) ||
		!isProcess(o.PID, o.StartTicks) {
		return k
	}
	if above, certain := walkUp(os.Getpid(), o.PID); above || !certain {
		return k // the agent was started by that run
	}
	s, err := readStat(o.PID)
	if err != nil || s.start != o.StartTicks {
		return k
	}
	k.known[o.PID] = s.start
	if s.group == o.PID {
		k.group = s.group
	}
	k.space = ownNamespace(o.PID)
	return k
}

// bootSlack is for a clock that was set since the run started.
const bootSlack = time.Minute

// beforeBoot reports whether the run started before the host did.
func (o Orphan) beforeBoot(now time.Time) bool {
	var host unix.Sysinfo_t
	if o.StartedAt.IsZero() || unix.Sysinfo(&host) != nil {
		return false
	}
	boot := now.Add(-time.Duration(host.Uptime) * time.Second)
	return o.StartedAt.Before(boot.Add(-bootSlack))
}

// ownNamespace returns a process's cgroup namespace, unless it is the one that the agent or the
// host's first process lives in.
func ownNamespace(pid int) string {
	space := namespaceOf(pid)
	if space == "" || space == namespaceOf(os.Getpid()) || space == namespaceOf(1) ||
		namespaceOf(1) == "" {
		return ""
	}
	return space
}

// left drops the dead, and takes in what is of their kin.
func (k *orphanKin) left() int {
	for pid, start := range k.known {
		if !isProcess(pid, start) {
			delete(k.known, pid)
		}
	}
	if len(k.known) > 0 || k.limit != 0 {
		k.grow()
	}
	return len(k.known)
}

func (k *orphanKin) grow() {
	self := os.Getpid()
	for grown := true; grown; {
		grown = false
		_ = eachPID(func(pid int) { // a /proc that can't be listed shows no kin
			s, err := readStat(pid)
			if err != nil || pid == 1 || pid == self || s.state == 'Z' || s.state == 'X' ||
				k.known[pid] == s.start {
				return
			}
			if k.isKin(pid, s) {
				k.known[pid] = s.start
				grown = true
			}
		})
	}
}

func (k *orphanKin) isKin(pid int, s stat) bool {
	if _, child := k.known[s.parent]; child {
		return true
	}
	return k.limit.has(pid) || (k.group != 0 && (s.group == k.group || s.session == k.group)) ||
		(k.space != "" && namespaceOf(pid) == k.space)
}

// kill stops all of them first, so that none forks or loses its parent while the others are found.
func (k *orphanKin) kill() error {
	return errors.Join(k.signal(unix.SIGSTOP), k.signal(unix.SIGKILL))
}

func (k *orphanKin) signal(sig unix.Signal) (failed error) {
	k.left()
	for pid, start := range k.known {
		_, err := signalIf(pid, sig, func() bool { return isProcess(pid, start) })
		failed = errors.Join(failed, err)
	}
	return failed
}

func (k *orphanKin) remove() {}
