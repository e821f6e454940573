package process

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// oomKills counts the processes that the kernel ended for want of memory where the run has no count
// of its own: in the agent's memory cgroup, or else on the whole host.
type oomKills struct {
	file string // a flat keyed file with a line oom_kill; empty: there is none

	mu    sync.Mutex
	count int64
	at    time.Time // when that was read
}

// oomKillsFresh is how old a count may be when a run begins, so that a burst of runs does not read
// it for each.
const oomKillsFresh = 100 * time.Millisecond

// newOOMKills looks for the files of cgroup v1, of v2 and of the host (cgroup-v1/memory, cgroup-v2,
// proc_vmstat(5)).
func newOOMKills() *oomKills {
	k := &oomKills{}
	for _, file := range []string{
		memoryV1() + "/memory.oom_control", memoryV2() + "/memory.events",
		"/proc/vmstat",
	} {
		if _, ok := oomKillsIn(file); ok {
			k.file = file
			break
		}
	}
	return k
}

func memoryV2() string {
	base, err := ownCgroup()
	if err != nil {
		return ""
	}
	return base
}

// memoryV1 returns the directory of the agent's cgroup in the hierarchy of version 1 that has the
// memory controller; empty: there is none.
func memoryV1() string {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	own := controllerPath("memory")
	for line := range strings.Lines(string(table)) {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if own == "" || len(fields) < 5 || len(kind) < 3 || kind[0] != "cgroup" ||
			!listed(kind[2], "memory") {
			continue
		}
		if relative, err := filepath.Rel(fields[3], own); err == nil &&
			!strings.HasPrefix(relative, "..") {
			return filepath.Join(fields[4], relative)
		}
	}
	return ""
}

// controllerPath reads the line of a controller of version 1 in /proc/self/cgroup.
func controllerPath(controller string) string {
	table, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(table)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && listed(parts[1], controller) {
			return parts[2]
		}
	}
	return ""
}

func listed(list, name string) bool { return strings.Contains(","+list+",", ","+name+",") }

func oomKillsIn(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	return flatKey(text, "oom_kill")
}

// before returns the count for a run that begins now.
func (k *oomKills) before() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file != "" && time.Since(k.at) > oomKillsFresh {
		if count, ok := oomKillsIn(k.file); ok {
			k.count, k.at = count, time.Now()
		}
	}
	return k.count
}

// since reports whether there were any after a count.
func (k *oomKills) since(count int64) bool {
	if k.file == "" {
		return false
	}
	now, ok := oomKillsIn(k.file)
	return ok && now > count
}

// noteShortage looks at what is around the run, where the run itself has no count.
func (p *Process) noteShortage(res *Result) {
	if !res.counted && !res.Succeeded() && p.host.kills.since(p.killsBefore) {
		res.Shortage = ShortageNearby
	}
}
