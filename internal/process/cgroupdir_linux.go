package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupDir is one directory for the cgroups of runs: made, and locked by its descriptor.
type cgroupDir struct {
	base string // the agent's own cgroup
	path string
	lock int // descriptor
}

// makeCgroupDir makes a directory with a name that no other has, and locks it. A sweep of another
// agent that sees it before it is locked may take it for a leftover: then the next one is made.
func makeCgroupDir(base string) (d cgroupDir, err error) {
	for try := range makeTries {
		time.Sleep(time.Duration(try) * time.Millisecond)
		path, err := os.MkdirTemp(base, fmt.Sprintf("%s%d.", parentPrefix, os.Getpid()))
		if err != nil {
			return d, fmt.Errorf("the agent may not make a cgroup below its own: %w", err)
		}
		lock, err := lockDir(path)
		if err == nil {
			_ = os.Chmod(path, 0o755) // programs that run as others want to read their limits
			return cgroupDir{base: base, path: path, lock: lock}, nil
		}
		_ = unix.Rmdir(path)
		if errors.Is(err, errNoCgroup) {
			return d, err
		}
	}
	return d, fmt.Errorf("a directory below %s can't be locked", base)
}

// errNoCgroup is a directory of another file system where a cgroup should be.
var errNoCgroup = errors.New("it is not in a cgroup v2 hierarchy: something else is mounted there")

// lockDir opens and locks the directory. The error ENOENT says that it was removed before.
func lockDir(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = checkDir(fd, path)
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// checkDir looks whether the open directory is a cgroup, and the one of that name still.
func checkDir(fd int, path string) error {
	var system unix.Statfs_t
	if err := unix.Fstatfs(fd, &system); err != nil {
		return err
	}
	if system.Type != unix.CGROUP2_SUPER_MAGIC {
		return errNoCgroup
	}
	var open, named unix.Stat_t
	if err := errors.Join(unix.Fstat(fd, &open), unix.Stat(path, &named)); err != nil {
		return err
	}
	if open.Ino != named.Ino || open.Dev != named.Dev {
		return unix.ENOENT
	}
	return nil
}

// make makes the cgroup of a run. Home reports whether the directory itself is there, if the error
// says that something was removed.
func (d cgroupDir) make(mark string) (g cgroup, home bool, err error) {
	name := runPrefix + mark
	err = unix.Mkdirat(d.lock, name, 0o755)
	if errors.Is(err, unix.EEXIST) && unix.Unlinkat(d.lock, name, unix.AT_REMOVEDIR) == nil {
		err = unix.Mkdirat(d.lock, name, 0o755)
	}
	if errors.Is(err, unix.EEXIST) {
		return g, true,
			startErrorf("processes of an earlier start of run %s are still alive",
				mark).because(err)
	}
	path := d.path + "/" + name
	if err != nil {
		return g, false, &os.PathError{Op: "mkdir", Path: path, Err: err}
	}
	fd, err := unix.Openat(d.lock, name, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = unix.Unlinkat(d.lock, name, unix.AT_REMOVEDIR) // it is empty
		return g, true, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return cgroup{path: path, fd: fd}, true, nil
}

// isParentName reports whether a directory's name is one that an agent gives: gusty-<pid>.<n>. That
// of a unit of systemd's, say gusty-1.service, is not.
func isParentName(name string) bool {
	rest, ok := strings.CutPrefix(filepath.Base(name), parentPrefix)
	pid, number, dot := strings.Cut(rest, ".")
	return ok && dot && isNumber(pid) && isNumber(number)
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
