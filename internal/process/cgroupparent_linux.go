package process

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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

// cgroupParent is the directory that one agent makes for the cgroups of its runs, below its own
// cgroup. It is locked while the agent lives, so that another agent can tell it from the leftovers
// of one that crashed. The lock does not keep it from being removed: then it is made again.
type cgroupParent struct {
	cgroupDir
	log         *slog.Logger
	homing      sync.Mutex // held while the directory is used to make one in it, or is made again
	controllers []string   // that are handed on to runs
	missing     error      // why the last run had no cgroup; nil: it had one

	mu     sync.Mutex
	filled []cgroup // of runs that left something running, to be removed when that has ended
}

// openCgroupParent finds the agent's cgroup and makes the directory. The error says what is not
// there.
func openCgroupParent(log *slog.Logger) (*cgroupParent, error) {
	base, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	dir, err := makeCgroupDir(base)
	if err != nil {
		return nil, err
	}
	return &cgroupParent{cgroupDir: dir, log: log}, nil
}

// ownCgroup returns the directory of the agent's cgroup; after an update in place the agent may
// find itself in the leaf of its predecessor.
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
	if above := filepath.Dir(base); filepath.Base(base) == agentLeaf &&
		strings.HasPrefix(filepath.Base(above), parentPrefix) {
		base = filepath.Dir(above)
	}
	return base, nil
}

// cgroupMount returns the first cgroup2 mount and the part of the hierarchy that it shows
// (proc_pid_mountinfo(5)).
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

// makeTries bounds how often a directory is made anew that somebody else removes at once.
const makeTries = 10

// make makes the cgroup of a run. Where the directory for it has been removed it is made again.
func (p *cgroupParent) make(mark string) (g cgroup, err error) {
	p.homing.Lock()
	defer p.homing.Unlock()
	for range makeTries {
		var home bool
		g, home, err = p.cgroupDir.make(mark)
		if err == nil || !isGone(err) {
			break
		}
		if !home {
			if err = p.renew(err); err != nil {
				break
			}
		}
	}
	p.note(err)
	return g, err
}

// note logs when runs begin to have no cgroup, and when they have one again.
func (p *cgroupParent) note(err error) {
	var known *StartError
	if errors.As(err, &known) { // it is about one run
		return
	}
	before := p.missing
	p.missing = err
	switch {
	case err != nil && before == nil:
		p.log.Warn("a cgroup can't be made; runs are told apart by the next best mark", "error",
			err)
	case err == nil && before != nil:
		p.log.Info("runs have a cgroup of their own again", "path", p.path)
	}
}

// where returns the directory as it is now.
func (p *cgroupParent) where() cgroupDir {
	p.homing.Lock()
	defer p.homing.Unlock()
	return p.cgroupDir
}

// standing returns where the directory is, or why runs have no cgroup now.
func (p *cgroupParent) standing() (path string, err error) {
	p.homing.Lock()
	defer p.homing.Unlock()
	return p.path, p.missing
}

// renew makes the directory again: where it was, or, if the agent's cgroup is another one now,
// there.
func (p *cgroupParent) renew(cause error) error {
	dir, err := makeCgroupDir(p.base)
	if err != nil {
		base, ownErr := ownCgroup()
		if ownErr != nil {
			return ownErr
		}
		if dir, err = makeCgroupDir(base); err != nil {
			return err
		}
	}
	_ = unix.Close(p.lock) // of a directory that is gone
	p.log.Warn("the cgroup directory for runs was removed and is made again",
		"removed", p.path, "made", dir.path, "error", cause)
	p.cgroupDir = dir
	p.handOnAll()
	return nil
}

// handOnAll hands the controllers on again. A run with a limit that can't be held says so.
func (p *cgroupParent) handOnAll() {
	for _, controller := range p.controllers {
		if err := p.enable(controller); err != nil {
			p.log.Warn("runs can't have a limit now", "controller", controller, "error", err)
		}
	}
}

// limit sets the bounds of a run. Where a controller's files are missing, somebody has taken the
// controller from the directory: it is handed on again.
func (p *cgroupParent) limit(g cgroup, spec *Spec) error {
	err := g.limit(spec)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.homing.Lock()
	p.handOnAll()
	p.homing.Unlock()
	return g.limit(spec)
}

// remove takes the directory of a run away, now or when what it left running has ended.
func (p *cgroupParent) remove(g cgroup) {
	gone := g.remove()
	g = g.letGo()
	if gone {
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

// remove reports whether the group is gone. Groups that the run's own processes made below it go
// first.
func (g cgroup) remove() bool {
	err := unix.Rmdir(g.entry())
	if errors.Is(err, unix.EBUSY) && !g.populated() {
		_ = removeBelow(g.dir()) // the answer is in the next line
		err = unix.Rmdir(g.entry())
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
	p.homing.Lock()
	defer p.homing.Unlock()
	_ = unix.Rmdir(p.path) // EBUSY: left for the next agent to find
	return unix.Close(p.lock)
}
