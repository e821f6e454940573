package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A cgroup is the directory of one run: <base>/gusty-<pid>.<n>/<mark>. File names are those of the
// kernel's admin-guide/cgroup-v2.
type cgroup struct {
	path string
	fd   int // of the directory, held while the run lasts; 0: it is reached by its path
}

// dir returns where the files of the group are found. A descriptor that is held finds them also
// when the hierarchy has been unmounted meanwhile, and never those of another group.
func (g cgroup) dir() string {
	if g.fd <= 0 {
		return g.path
	}
	// the dot makes it the directory, not the link
	return "/proc/self/fd/" + strconv.Itoa(g.fd) + "/."
}

// entry returns the path by which the directory itself is removed.
func (g cgroup) entry() string {
	if g.fd <= 0 {
		return g.path
	}
	return g.dir() + "./" + filepath.Base(g.path)
}

// letGo closes the descriptor; the group is reached by its path from then on.
func (g cgroup) letGo() cgroup {
	if g.fd > 0 {
		_ = unix.Close(g.fd)
	}
	return cgroup{path: g.path}
}

// cgroupTree is a run that has a cgroup of its own.
type cgroupTree struct {
	group   cgroup
	main    int // the main process
	parent  *cgroupParent
	hasKill bool
	asking  *asking // nil: nobody asked
}

// ask holds the tree still at the first call, so that no fork crosses the request.
func (t *cgroupTree) ask() (again bool, err error) {
	if t.asking != nil {
		return t.asking.ask()
	}
	t.asking = newAsking(t.main, func() ([]int, func(int) bool) {
		return t.group.members(), t.group.holds
	})
	err = t.group.whileFrozen(func() (err error) { again, err = t.asking.ask(); return err })
	return again, err
}

// kill signals one by one where the group can't be ended whole: its files may not be writable now.
func (t *cgroupTree) kill() error {
	if t.hasKill && t.group.write("cgroup.kill", "1") == nil {
		return nil
	}
	return t.group.whileFrozen(func() error { return t.group.signal(unix.SIGKILL) })
}

func (t *cgroupTree) left() int {
	if !t.group.populated() {
		return 0
	}
	return max(1, len(t.group.members())) // what is about to exit is listed no more
}

func (t *cgroupTree) leftBehind() int { return t.left() }

func (t *cgroupTree) account(res *Result) { t.group.account(res) }

func (t *cgroupTree) release() { t.parent.remove(t.group) }

// write sets one of the group's control files.
func (g cgroup) write(file, value string) error {
	fd, err := unix.Open(g.dir()+"/"+file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: g.path + "/" + file, Err: err}
	}
	_, err = unix.Write(fd, []byte(value))
	if closeErr := unix.Close(fd); err == nil {
		err = closeErr
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: g.path + "/" + file, Err: err}
	}
	return nil
}

// populated reports whether a process lives in the group or below it. A group that has been
// removed is empty; one that can't be read for another reason may not be.
func (g cgroup) populated() bool {
	var buf [256]byte
	n, err := readSmall(g.dir()+"/cgroup.events", buf[:])
	if err != nil {
		return !isGone(err)
	}
	return bytes.Contains(buf[:n], []byte("populated 1"))
}

// isGone reports whether an error says that a directory or its cgroup has been removed.
func isGone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) }

// members lists the processes of the group and of those below it.
func (g cgroup) members() []int {
	var pids []int
	_ = filepath.WalkDir(g.dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a group that was removed meanwhile has no members
		}
		if entry.IsDir() {
			pids = append(pids, procsOf(path)...)
		}
		return nil
	})
	return pids
}

func procsOf(path string) []int {
	list, err := os.ReadFile(path + "/cgroup.procs")
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range bytes.Fields(list) {
		if pid, ok := parsePID(string(field)); ok {
			pids = append(pids, pid)
		}
	}
	return pids
}

// signal reaches every member, checked by its own cgroup after its pidfd is held.
func (g cgroup) signal(sig unix.Signal) error {
	var failed error
	for _, pid := range g.members() {
		_, err := signalIf(pid, sig, func() bool { return g.holds(pid) })
		failed = errors.Join(failed, err)
	}
	return failed
}

func (g cgroup) holds(pid int) bool {
	line, err := unifiedPath("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return false
	}
	return strings.Contains(line+"/", "/"+filepath.Base(filepath.Dir(g.path))+"/"+
		filepath.Base(g.path)+"/")
}

// account reads the true figures of the whole tree; a file that is not there leaves those of the
// main process.
func (g cgroup) account(res *Result) {
	var buf [1024]byte
	if n, err := readSmall(g.dir()+"/cpu.stat", buf[:]); err == nil {
		user, okUser := flatKey(buf[:n], "user_usec")
		system, okSystem := flatKey(buf[:n], "system_usec")
		if okUser && okSystem {
			res.CPUUser, res.CPUSystem = time.Duration(user)*time.Microsecond, time.Duration(
				system)*time.Microsecond
		}
	}
	if n, err := readSmall(g.dir()+"/memory.peak", buf[:]); err == nil {
		if peak, err := strconv.ParseInt(string(bytes.TrimSpace(buf[:n])), 10, 64); err == nil {
			res.MaxRSSBytes = peak
		}
	}
	if n, err := readSmall(g.dir()+"/memory.events", buf[:]); err == nil {
		res.Shortage, res.counted = shortageOf(buf[:n])
	}
}

// shortageOf reads memory.events: oom counts how often the group itself was at its limit, oom_kill
// its processes that were ended for whatever group had no memory left.
func shortageOf(events []byte) (s Shortage, counted bool) {
	kills, counted := flatKey(events, "oom_kill")
	atLimit, _ := flatKey(events, "oom")
	switch {
	case kills == 0:
		return ShortageNone, counted
	case atLimit > 0:
		return ShortageOfLimit, true
	default:
		return ShortageOfHost, true
	}
}

// flatKey finds a number in the "key value" lines of a flat keyed file.
func flatKey(file []byte, key string) (int64, bool) {
	for line := range bytes.Lines(file) {
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if ok && string(name) == key {
			n, err := strconv.ParseInt(string(value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// cpuPeriodMicros is the period that the kernel takes by default.
const cpuPeriodMicros = 100_000

// limit sets the run's bounds before anything runs in it.
func (g cgroup) limit(spec *Spec) error {
	if spec.MemoryLimitBytes > 0 {
		if err := g.write("memory.max", strconv.FormatInt(spec.MemoryLimitBytes, 10)); err != nil {
			return err
		}
		// Without these the run would swap instead, or lose one process and go on without it. Both
		// files may be missing.
		if err := errors.Join(g.writeIfThere("memory.swap.max", "0"),
			g.writeIfThere("memory.oom.group", "1")); err != nil {
			return err
		}
	}
	if spec.CPULimitPercent > 0 {
		return g.write("cpu.max",
			fmt.Sprintf("%d %d", spec.CPULimitPercent*cpuPeriodMicros/100, cpuPeriodMicros))
	}
	return nil
}

func (g cgroup) writeIfThere(file, value string) error {
	if err := g.write(file, value); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
