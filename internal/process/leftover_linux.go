package process

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// leftovers are the directories of agents that have ended without taking them away.
func (p *cgroupParent) leftovers() (dead []string) {
	p.eachOther(func(path string) {
		if !isLocked(path) {
			dead = append(dead, path)
		}
	})
	return dead
}

// eachOther visits the directories of other agents, alive or not.
func (p *cgroupParent) eachOther(visit func(path string)) {
	own := p.where()
	entries, err := os.ReadDir(own.base)
	if err != nil {
		return // nothing can be found, so nothing is touched
	}
	for _, e := range entries {
		if path := own.base + "/" + e.Name(); isParentName(e.Name()) && path != own.path {
			visit(path)
		}
	}
}

// isLocked reports whether the agent that made the directory lives. What can't be told counts as
// alive.
func isLocked(path string) bool {
	fd, err := lockDir(path)
	if err != nil {
		return !errors.Is(err, unix.ENOENT)
	}
	return unix.Close(fd) != nil
}

// find returns the cgroup that an earlier agent made for a run, if it is still there.
func (p *cgroupParent) find(mark string) (cgroup, bool) {
	for _, path := range p.leftovers() {
		g := cgroup{path: path + "/" + runPrefix + mark}
		if unix.Access(g.path, unix.F_OK) == nil {
			return g, true
		}
	}
	return cgroup{}, false
}

// sweep removes what is empty of earlier agents; a cgroup with processes in it can't be removed. It
// is thawed: an agent that was killed while it asked the run to end could not do that. The lock is
// held meanwhile, so that what another agent has just made, and locks now, is never taken from it.
func (p *cgroupParent) sweep() {
	p.eachOther(func(path string) {
		fd, err := lockDir(path)
		if err != nil {
			return // it is another's, or gone
		}
		// what is in use stays
		_ = errors.Join(thawBelow(path), removeRuns(path), unix.Rmdir(path), unix.Close(fd))
	})
}

// removeRuns removes what an agent makes in its directory, and nothing else.
func removeRuns(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, runPrefix) || name == agentLeaf {
			below := path + "/" + name
			err = errors.Join(err, removeBelow(below), unix.Rmdir(below))
		}
	}
	return err
}

func thawBelow(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), runPrefix) {
			err = errors.Join(err, cgroup{path: path + "/" + e.Name()}.thaw())
		}
	}
	return err
}
