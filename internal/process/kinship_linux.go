package process

import (
	"bytes"
	"os"
	"strconv"
)

// kinship finds a run's processes where the host gives no mark: the main process and its
// descendants, whatever shares a process group or a session with one of them, and what still has
// the run's limit or the run's id in its environment.
type kinship struct {
	main  *mainProcess
	limit limitMark
	tag   []byte // "GUSTY_RUN_ID=<mark>\x00"; empty: matches nothing
}

func newKinship(main *mainProcess, mark string, limit limitMark) kinship {
	k := kinship{main: main, limit: limit}
	if mark != "" {
		k.tag = []byte("GUSTY_RUN_ID=" + mark + "\x00")
	}
	return k
}

// family is one look at /proc.
type family struct {
	agent    stat
	all      map[int]stat
	in       map[int]bool
	groups   map[int]bool
	sessions map[int]bool
}

func (k kinship) members() (pids []int, is func(int) bool) {
	f := family{
		all:      map[int]stat{},
		in:       map[int]bool{},
		groups:   map[int]bool{},
		sessions: map[int]bool{},
	}
	_ = eachPID(func(pid int) { // a /proc that can't be listed shows no members
		if s, err := readStat(pid); err == nil && s.state != 'Z' && s.state != 'X' {
			f.all[pid] = s
		}
	})
	f.agent = f.all[os.Getpid()]
	for pid, s := range f.all {
		if pid == k.main.pid && !k.main.exited() || k.together(s) || k.limited(pid, s, f.agent) ||
			k.tagged(pid) {
			f.take(pid, s)
		}
	}
	for f.grow() {
	}
	for pid := range f.in {
		pids = append(pids, pid)
	}
	return pids, func(pid int) bool { return f.in[pid] }
}

// take never remembers the agent's own group and session, which all runs have in common: they make
// no relative.
func (f *family) take(pid int, s stat) {
	f.in[pid] = true
	if s.group != f.agent.group {
		f.groups[s.group] = true
	}
	if s.session != f.agent.session {
		f.sessions[s.session] = true
	}
}

// grow takes in the relatives of those in the family, and reports whether there were any.
func (f *family) grow() bool {
	self := os.Getpid()
	before := len(f.in)
	for pid, s := range f.all {
		if pid != self && !f.in[pid] &&
			(f.in[s.parent] || f.groups[s.group] || f.sessions[s.session]) {
			f.take(pid, s)
		}
	}
	return len(f.in) > before
}

// together reports whether a process is in the session or the group that the main process began.
// Both have its number.
func (k kinship) together(s stat) bool {
	return (s.session == k.main.pid || s.group == k.main.pid) && k.main.ownsGroup()
}

// limited leaves out the agent's own group: other code of the agent may start a child while a run
// is born, with its limit.
func (k kinship) limited(pid int, s, agent stat) bool {
	return s.group != agent.group && k.limit.has(pid)
}

func (k kinship) tagged(pid int) bool {
	if len(k.tag) == 0 || pid == os.Getpid() {
		return false
	}
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && bytes.Contains(append([]byte{0}, env...), append([]byte{0}, k.tag...))
}
