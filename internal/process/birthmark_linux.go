package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// How a run gets its mark. What was there when the agent started may be gone by
// now: then it is made again, or the run has the next best mark.

// makeMark makes the run's cgroup with its limits; a namespace needs nothing before birth.
func (l *launch) makeMark() error {
	l.mark = l.host.mark
	if l.mark == markKinship {
		l.limit = l.host.limits.of(l.spec.Mark)
	}
	if l.mark != markCgroup {
		return nil
	}
	return l.makeCgroup()
}

func (l *launch) makeCgroup() error {
	mark := l.spec.Mark
	if mark == "" {
		// the dot keeps it apart from every valid mark
		mark = fmt.Sprintf("unnamed.%d", l.host.unnamed.next())
	}
	group, err := l.host.cgroups.make(mark)
	var known *StartError
	if errors.As(err, &known) {
		return err
	}
	if err != nil {
		return l.nextMark(err)
	}
	l.group = group
	if err := l.host.cgroups.limit(group, l.spec); err != nil {
		return startErrorf("the run's limits can't be set: %s", err).because(err)
	}
	l.attr.UseCgroupFD, l.attr.CgroupFD = true, group.fd
	return nil
}

// nextMark goes on to the next best mark. A limit is held by a cgroup only, so a run that has one
// is not started without.
func (l *launch) nextMark(cause error) error {
	l.dropCgroup()
	if l.spec.MemoryLimitBytes > 0 || l.spec.CPULimitPercent > 0 {
		return startErrorf(
			"the run's limits can't be held, since there is no cgroup for it now: %s",
			cause).because(cause)
	}
	if l.mark == markCgroup && l.host.canMarkBySpace() {
		l.mark = markNamespace
		return nil
	}
	l.mark, l.limit = markKinship, l.host.limits.of(l.spec.Mark)
	return nil
}

// dropCgroup takes the run's cgroup back before anything was born in it.
func (l *launch) dropCgroup() {
	if l.group.path != "" {
		l.group.remove()
		l.group.letGo()
	}
	l.group = cgroup{}
	l.attr.UseCgroupFD, l.attr.CgroupFD = false, 0
}

// namespaceError says that a run could not have a cgroup namespace of its own.
type namespaceError struct{ err error }

// Error returns the sentence.
func (e *namespaceError) Error() string {
	return "the host has no room for another cgroup namespace: " + e.err.Error()
}

// Unwrap returns the system's error.
func (e *namespaceError) Unwrap() error { return e.err }

// birth starts the main process with its mark. A mark that was lost on the way is made again, or
// replaced by the next best one; the last of them needs nothing of the host.
func (l *launch) birth() error {
	for try := 0; ; try++ {
		err := l.bear()
		var noSpace *namespaceError
		switch {
		case err == nil:
			return nil
		case l.mark == markNamespace && errors.As(err, &noSpace):
			err = l.nextMark(err)
		case l.mark == markCgroup && l.group.isUnfit(err) && try < makeTries:
			l.dropCgroup()
			err = l.makeCgroup()
		case l.mark == markCgroup && l.group.isUnfit(err):
			err = l.nextMark(err)
		}
		if err != nil {
			return err
		}
	}
}

// isUnfit reports whether an error says that nothing can be born in the group: it has been removed,
// somebody hands controllers on from it or has made it threaded, or it is none.
func (g cgroup) isUnfit(err error) bool {
	for _, errno := range []error{unix.ENODEV, unix.EBUSY, unix.EOPNOTSUPP, unix.EBADF} {
		if errors.Is(err, errno) {
			return true
		}
	}
	// or the program is not there
	return errors.Is(err, unix.ENOENT) && isGone(unix.Access(g.dir()+"/cgroup.events", unix.F_OK))
}
