package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	parentPrefix = "gusty-"
	agentLeaf    = "agent" // not a valid run: marks of runs get a prefix
	runPrefix    = "run-"
)

// cgroupParent is the directory that one agent makes for the cgroups of its runs, below its own cgroup. It is locked while the agent lives,
// so that another agent can tell it from the leftovers of one that crashed.
type cgroupParent struct {
	base string // the agent's own cgroup
	path string
	lock int // descriptor

	mu     sync.Mutex
	filled []cgroup // of runs that left something running, to be removed when that has ended
}

// openCgroupParent finds the agent's cgroup and makes the directory. The error says what is not there.
func openCgroupParent() (*cgroupParent, error) {
	base, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	for range 3 { // another agent that starts now may take the new directory for a leftover
		path, err := os.MkdirTemp(base, fmt.Sprintf("%s%d.", parentPrefix, os.Getpid()))
		if err != nil {
			return nil, fmt.Errorf("the agent may not make a cgroup below its own: %w", err)
		}
		if lock, err := lockDir(path); err == nil {
			_ = os.Chmod(path, 0o755) // programs that run as others want to read their limits; without it they can't
			return &cgroupParent{base: base, path: path, lock: lock}, nil
		}
		_ = os.Remove(path)
	}
	return nil, fmt.Errorf("a directory below %s can't be locked", base)
}

// ownCgroup gives the directory of the agent's cgroup; after an update in place the agent may find itself in the leaf of its predecessor.
func ownCgroup() (string, error) {
	mount, root, err := cgroupMount()
	if err != nil {
		return "", err
	}
	path, err := unifiedPath("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil || strings.HasPrefix(relative, "..") {
		return "", fmt.Errorf("the agent's cgroup %s is not below the mount %s", path, mount)
	}
	base := filepath.Join(mount, relative)
	if above := filepath.Dir(base); filepath.Base(base) == agentLeaf && strings.HasPrefix(filepath.Base(above), parentPrefix) {
		base = filepath.Dir(above)
	}
	return base, nil
}

// cgroupMount gives the first cgroup2 mount and the part of the hierarchy that it shows (proc_pid_mountinfo(5)).
func cgroupMount() (mount, root string, err error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(table)) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if ok && len(fields) >= 5 && strings.HasPrefix(after, "cgroup2 ") {
			return fields[4], fields[3], nil
		}
	}
	return "", "", errors.New("no cgroup v2 hierarchy is mounted")
}

// unifiedPath reads the v2 line of a /proc/<pid>/cgroup.
func unifiedPath(file string) (string, error) {
	var buf [4096]byte
	n, err := readSmall(file, buf[:])
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(buf[:n])) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), nil
		}
	}
	return "", errors.New("this process is in no cgroup v2")
}

func lockDir(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// make gives a run its cgroup.
func (p *cgroupParent) make(mark string) (cgroup, error) {
	g := cgroup{path: p.path + "/" + runPrefix + mark}
	err := os.Mkdir(g.path, 0o755)
	if errors.Is(err, fs.ErrExist) && unix.Rmdir(g.path) == nil {
		err = os.Mkdir(g.path, 0o755)
	}
	if errors.Is(err, fs.ErrExist) {
		return cgroup{}, startErrorf("processes of an earlier start of run %s are still alive", mark).because(err)
	}
	return g, err
}

// remove takes the directory of a run away, now or when what it left running has ended.
func (p *cgroupParent) remove(g cgroup) {
	if g.remove() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filled = append(p.filled, g)
}

// removeFilled tries again; it is called when processes that runs left behind have ended.
func (p *cgroupParent) removeFilled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filled = slices.DeleteFunc(p.filled, cgroup.remove)
}

// remove says whether the group is gone. Groups that the run's own processes made below it go first.
func (g cgroup) remove() bool {
	err := unix.Rmdir(g.path)
	if errors.Is(err, unix.EBUSY) && !g.populated() {
		_ = removeBelow(g.path) // the answer is in the next line
		err = unix.Rmdir(g.path)
	}
	return err == nil || errors.Is(err, unix.ENOENT)
}

func removeBelow(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, removeBelow(path+"/"+e.Name()), unix.Rmdir(path+"/"+e.Name()))
		}
	}
	return err
}

// close takes the parent away, unless something that runs left behind still lives there.
func (p *cgroupParent) close() error {
	p.removeFilled()
	_ = unix.Rmdir(p.path) // EBUSY: left for the next agent to find
	return unix.Close(p.lock)
}
