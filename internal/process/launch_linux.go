package process

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// findProgram decides what is executed, with which arguments.
func (l *launch) findProgram() (err error) {
	names := append([]string{l.spec.Interpreter}, l.spec.Alternatives...)
	if l.spec.Shell {
		names = []string{"sh", "/bin/sh"}
	}
	l.path, err = look(l.spec, func() (string, error) { return findInterpreter(names, l.spec.Env) })
	l.argv = []string{l.path, scriptPath}
	if l.spec.Shell {
		l.argv = []string{"sh", "-c", l.spec.CommandLine, "sh"} // the last one is $0
	}
	l.argv = append(l.argv, l.spec.Args...)
	return err
}

// connect opens the child's descriptors.
func (l *launch) connect() error {
	l.files = []uintptr{uintptr(l.host.null)}
	if err := l.capture("standard output", l.spec.Stdout); err != nil {
		return err
	}
	if err := l.capture("standard error", l.spec.Stderr); err != nil {
		return err
	}
	if l.spec.Shell {
		return nil
	}
	fd, err := newScriptFile(l.spec.Script)
	if err != nil {
		return err
	}
	l.lend(fd)
	return nil
}

func (l *launch) lend(fd int) {
	l.lent = append(l.lent, fd)
	l.files = append(l.files, uintptr(fd))
}

func (l *launch) capture(name string, to io.Writer) error {
	if to == nil {
		fd, err := unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			l.lend(fd)
		}
		return err
	}
	agent, script, err := newPipe()
	if err != nil {
		return err
	}
	l.lend(script)
	l.pumps = append(l.pumps, newPump(name, agent, to, l.host.pieces))
	return nil
}
