package process

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// TryStart tries whether runs can be started: it takes every step of a start up to the birth of a
// process, which then finds that its program does not exist. The error is that of a run.
func (h *Host) TryStart() error {
	spec := Spec{Interpreter: "none", Stdout: io.Discard, Stderr: io.Discard}
	l := &launch{host: h, spec: &spec, pidfd: -1, path: "/dev/null/none", argv: []string{"none"}}
	h.starts.take()
	defer h.starts.give()
	err := l.tryBirth()
	closeAll(l.lent)
	l.takeBack()
	return err
}

func (l *launch) tryBirth() error {
	for _, step := range []func() error{l.connect, l.makeMark} {
		if err := step(); err != nil {
			return asStartError(err)
		}
	}
	if err := l.birth(); !errors.Is(err, unix.ENOTDIR) {
		return l.explain(err)
	}
	return nil
}
