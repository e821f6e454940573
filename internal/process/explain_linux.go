package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// explain makes a sentence of what the kernel said. It says only one word for several steps, so the
// steps are looked at again.
func (l *launch) explain(err error) error {
	var known *StartError
	if errors.As(err, &known) {
		return known
	}
	if reason := l.explainDir(); reason != nil {
		return reason.because(err)
	}
	return l.explainErrno(err).because(err)
}

func (l *launch) explainDir() *StartError {
	if l.spec.Dir == "" {
		return nil
	}
	st, err := os.Stat(l.spec.Dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return startErrorf("the working directory %s does not exist: make it, or correct the job",
			l.spec.Dir)
	case err != nil:
		return startErrorf("the working directory %s can't be entered: %s", l.spec.Dir, err)
	case !st.IsDir():
		return startErrorf("the working directory %s is not a directory", l.spec.Dir)
	}
	return nil
}

func (l *launch) explainErrno(err error) *StartError {
	switch {
	case errors.Is(err, unix.E2BIG):
		return startErrorf("the arguments and the environment are too long for this host: at " +
			"most 128 KiB each, and about 2 MiB together")
	case errors.Is(err, unix.EACCES):
		return l.explainAccess()
	case errors.Is(err, unix.ENOENT):
		return startErrorf("%s can't be executed: the program or the loader that it names does "+
			"not exist; install it anew", l.path)
	case errors.Is(err, unix.ENOEXEC):
		return startErrorf("%s is not a program that this machine can execute", l.path)
	case errors.Is(err, unix.EPERM) && l.attr.Credential != nil:
		return startErrorf(
			"the agent may not become user %s: run it as root with CAP_SETUID and CAP_SETGID",
			l.spec.RunAs)
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOMEM), errors.Is(err, unix.EMFILE),
		errors.Is(err, unix.ENFILE):
		return startErrorf("the host has no room for another process: %s; raise the limit on "+
			"tasks, memory or open files, "+
			"or run less at once", err).ofHost()
	default:
		return startErrorf("starting %s failed: %s", l.path, err)
	}
}

func (l *launch) explainAccess() *StartError {
	who := "the agent"
	if l.attr.Credential != nil {
		who = "user " + l.spec.RunAs
	}
	if l.spec.Dir != "" {
		return startErrorf("%s may not execute %s, or may not enter the working directory %s", who,
			l.path, l.spec.Dir)
	}
	return startErrorf(
		"%s may not execute %s: choose another interpreter, or set PATH in the job's environment",
		who, l.path)
}
