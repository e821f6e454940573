package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// Start starts a run. It returns when the interpreter executes, or with a *StartError; then nothing
// was started and nothing stays behind. It may wait for other starts, but for no run. The caller
// must call Wait.
func (h *Host) Start(spec Spec) (*Process, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	if err := h.Supports(spec.Limits()); err != nil {
		return nil, startErrorf("%s", err).because(err)
	}
	l := &launch{host: h, spec: &spec}
	if err := l.findProgram(); err != nil {
		return nil, err
	}
	h.starts.take()
	defer h.starts.give()
	if err := spec.announce(); err != nil {
		l.takeBack()
		return nil, err
	}
	p, err := l.start()
	for _, handle := range l.lent {
		_ = windows.CloseHandle(handle) // the child has its own
	}
	if err != nil {
		l.takeBack()
	}
	return p, err
}

// launch is one start under way.
type launch struct {
	host   *Host
	spec   *Spec
	path   string // of the program
	line   string // the command line
	script string // its file
	std    [3]windows.Handle
	lent   []windows.Handle // the child's alone once it is born
	pumps  []*pump
	job    windows.Handle
	begun  time.Time
}

func (l *launch) start() (*Process, error) {
	for _, step := range []func() error{l.writeScript, l.connect, l.makeJob} {
		if err := step(); err != nil {
			return nil, asStartError("the host has no room for another run", err)
		}
	}
	born, err := l.birth()
	if err != nil {
		return nil, l.explain(err)
	}
	_ = windows.CloseHandle(born.Thread) // not needed
	p := &Process{
		host: l.host, pid: int(born.ProcessId), ticks: startTicks(born.Process), started: l.begun,
		killRemaining: l.spec.KillRemaining,
		main:          &mainProcess{pid: int(born.ProcessId), handle: born.Process},
		pumps:         l.pumps, tree: &jobTree{
			host:   l.host,
			job:    l.job,
			group:  born.ProcessId,
			script: l.script,
		},
	}
	for _, one := range l.pumps {
		go one.run(&l.host.lingers)
	}
	return p, nil
}

func asStartError(what string, err error) error {
	var known *StartError
	if errors.As(err, &known) {
		return known
	}
	return startErrorf("%s: %s", what, err).because(err)
}

func (l *launch) findProgram() (err error) {
	names := append([]string{l.spec.Interpreter}, l.spec.Alternatives...)
	if l.spec.Shell {
		names = []string{"cmd.exe", os.Getenv("ComSpec")}
	}
	l.path, err = look(l.spec, func() (string, error) { return findInterpreter(names, l.spec.Env) })
	return err
}

// writeScript makes the script's file and the command line. cmd takes the rest of its line as it
// is.
func (l *launch) writeScript() (err error) {
	if l.spec.Shell {
		l.line = `cmd.exe /S /C "` + l.spec.CommandLine + `"`
		if len(l.spec.Args) > 0 {
			l.line += " " + windows.ComposeCommandLine(l.spec.Args)
		}
		return nil
	}
	run := l.spec.Mark
	if run == "" {
		run = fmt.Sprintf("unnamed.%d", l.host.unnamed.next())
	}
	l.script, err = l.host.scripts.write(run, l.path, l.spec.Script)
	l.line = windows.ComposeCommandLine(append([]string{l.path, l.script}, l.spec.Args...))
	return err
}

func (l *launch) connect() error {
	l.std = [3]windows.Handle{l.host.null, l.host.null, l.host.null}
	return errors.Join(l.capture(1, "standard output", l.spec.Stdout),
		l.capture(2, "standard error", l.spec.Stderr))
}

func (l *launch) capture(i int, name string, to io.Writer) error {
	if to == nil {
		return nil
	}
	agent, script, err := newPipe()
	if err != nil {
		return err
	}
	l.std[i] = script
	l.lent = append(l.lent, script)
	l.pumps = append(l.pumps, newPump(name, agent, to, l.host.pieces))
	return nil
}

func (l *launch) makeJob() (err error) {
	l.job, err = newJob(l.spec)
	return err
}

func (l *launch) explain(err error) error {
	if l.spec.Dir != "" {
		if st, dirErr := os.Stat(l.spec.Dir); dirErr != nil || !st.IsDir() {
			return startErrorf("the working directory %s does not exist or can't be entered: "+
				"make it, or correct the job", l.spec.Dir).because(err)
		}
	}
	return asStartError("starting "+l.path+" failed", err)
}

// takeBack undoes what a failed start made.
func (l *launch) takeBack() {
	for _, p := range l.pumps {
		_ = p.file.Close() // never read from
	}
	if l.job != 0 || l.script != "" {
		(&jobTree{host: l.host, job: l.job, script: l.script}).release()
	}
}
