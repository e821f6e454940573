package process

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// leftovers are the directories of agents that have ended without taking them away.
func (p *cgroupParent) leftovers() []string {
	entries, err := os.ReadDir(p.base)
	if err != nil {
		return nil // nothing can be found, so nothing is touched
	}
	var dead []string
	for _, e := range entries {
		path := p.base + "/" + e.Name()
		if strings.HasPrefix(e.Name(), parentPrefix) && path != p.path && !isLocked(path) {
			dead = append(dead, path)
		}
	}
	return dead
}

// isLocked says whether the agent that made the directory lives. What can't be told counts as alive.
func isLocked(path string) bool {
	fd, err := lockDir(path)
	if err != nil {
		return !errors.Is(err, unix.ENOENT)
	}
	return unix.Close(fd) != nil
}

// find gives the cgroup that an earlier agent made for a run, if it is still there.
func (p *cgroupParent) find(mark string) (cgroup, bool) {
	for _, path := range p.leftovers() {
		g := cgroup{path: path + "/" + runPrefix + mark}
		if unix.Access(g.path, unix.F_OK) == nil {
			return g, true
		}
	}
	return cgroup{}, false
}

// sweep removes what is empty of earlier agents; a cgroup with processes in it can't be removed. It is thawed: an agent that was killed while
// it asked the run to end could not do that.
func (p *cgroupParent) sweep() {
	for _, path := range p.leftovers() {
		_ = errors.Join(thawBelow(path), removeBelow(path), unix.Rmdir(path)) // what is in use stays
	}
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
