package process

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// markedTree is a run without a cgroup: its processes are those descendants of the agent that
// members finds.
type markedTree struct {
	host    *Host
	main    *mainProcess
	members func() (pids []int, is func(pid int) bool)
	close   func()
	asking  *asking // nil: nobody asked
}

// ask reaches the main process's group at once, which no fork can cross, and then what has left
// that group.
func (t *markedTree) ask() (again bool, err error) {
	if t.asking != nil {
		return t.asking.ask()
	}
	group := t.main.pid
	t.asking = newAsking(group, t.members)
	t.asking.mayAsk = descends
	t.asking.rememberGroup(group)
	if t.main.signalGroup(unix.SIGTERM) {
		// a stopped process would not see the request before it goes on
		t.main.signalGroup(unix.SIGCONT)
		t.asking.heard = group
		t.asking.forgetWhoLeft(group)
	} else {
		clear(t.asking.asked)
	}
	return t.asking.ask()
}

// killRounds bounds one kill; whoever waits for the end calls again.
const killRounds = 50

// kill goes over the tree until it finds nothing more, since processes may fork while it looks.
func (t *markedTree) kill() error {
	// all of the group at once: what forks fast is stopped by this best
	t.main.signalGroup(unix.SIGKILL)
	for range killRounds {
		sent, err := t.signalKill()
		if sent == 0 {
			return err
		}
	}
	return nil
}

func (t *markedTree) signalKill() (sent int, failed error) {
	pids, is := t.members()
	for _, pid := range pids {
		before, err := readStat(pid)
		if err != nil || !descends(pid) {
			continue
		}
		done, err := signalIf(pid, unix.SIGKILL, func() bool {
			return isProcess(pid, before.start) && is(pid)
		})
		if done {
			sent++
		}
		failed = errors.Join(failed, err)
	}
	return sent, failed
}

// left looks twice before it says none: a process may fork and exit while /proc is listed.
func (t *markedTree) left() int {
	for range 2 {
		if pids, _ := t.members(); len(pids) > 0 {
			return len(pids)
		}
	}
	return 0
}

// leftBehind looks at the adopted children first: what remains of a tree has one among them, and
// mostly there is none at all.
func (t *markedTree) leftBehind() int {
	if !t.host.children.anyAdopted() {
		return 0
	}
	return t.left()
}

func (t *markedTree) account(*Result) {}

func (t *markedTree) release() { t.close() }

// cgroupNamespace marks a run. The descriptor keeps its number from being given to another
// namespace while the run lasts.
type cgroupNamespace struct {
	link string // as /proc/<pid>/ns/cgroup shows it: "cgroup:[4026532…]"
	fd   int
}

// enterCgroupNamespace puts the calling thread, to which the goroutine is locked, into a new
// namespace, and gives the way back.
func enterCgroupNamespace() (ns cgroupNamespace, back func() error, err error) {
	const own = "/proc/thread-self/ns/cgroup"
	old, err := unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ns, nil, err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return ns, nil, errors.Join(err, unix.Close(old))
	}
	back = func() error {
		return errors.Join(unix.Setns(old, unix.CLONE_NEWCGROUP), unix.Close(old))
	}
	ns.link, err = os.Readlink(own)
	if err == nil {
		ns.fd, err = unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return ns, nil, errors.Join(err, back())
	}
	return ns, back, nil
}

// has reports whether a process is in the namespace. A link that can't be read is in none.
func (ns cgroupNamespace) has(pid int) bool {
	link := namespaceOf(pid)
	return link != "" && link == ns.link
}

func namespaceOf(pid int) string {
	var buf [64]byte
	n, err := unix.Readlink("/proc/"+strconv.Itoa(pid)+"/ns/cgroup", buf[:])
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func (ns cgroupNamespace) members() (pids []int, is func(int) bool) {
	_ = eachPID(func(pid int) { // a /proc that can't be listed shows no members
		if ns.has(pid) {
			pids = append(pids, pid)
		}
	})
	return pids, ns.has
}

func (ns cgroupNamespace) close() { _ = unix.Close(ns.fd) }
