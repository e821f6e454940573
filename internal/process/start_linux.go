package process

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
	l := &launch{host: h, spec: &spec, pidfd: -1}
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
	closeAll(l.lent)
	if err != nil {
		l.takeBack()
	}
	return p, err
}

// launch is one start under way.
type launch struct {
	host  *Host
	spec  *Spec
	path  string // of the program
	argv  []string
	files []uintptr // 0, 1, 2 and the script
	lent  []int     // descriptors that are the child's alone once it is born
	pumps []*pump
	attr  syscall.SysProcAttr
	pidfd int
	mark  markKind        // the host's, or the next best one that the run could have
	group cgroup          // where the host marks by cgroup
	space cgroupNamespace // where it marks by namespace
	limit limitMark       // where the host has neither of the two
	main  *mainProcess
	begun time.Time
}

func (l *launch) start() (*Process, error) {
	for _, step := range []func() error{l.connect, l.becomeUser, l.makeMark} {
		if err := step(); err != nil {
			return nil, asStartError(err)
		}
	}
	kills := l.host.kills.before()
	if err := l.birth(); err != nil {
		return nil, l.explain(err)
	}
	p := &Process{
		host: l.host, pid: l.main.pid, started: l.begun, killRemaining: l.spec.KillRemaining,
		main: l.main, pumps: l.pumps, tree: l.newTree(),
		killsBefore: kills,
	}
	if s, err := readStat(p.pid); err == nil {
		// the process is not reaped yet, so it is there even if it has exited
		p.ticks = s.start
	}
	for _, one := range l.pumps {
		go one.run(&l.host.lingers)
	}
	return p, nil
}

func asStartError(err error) error {
	var known *StartError
	if errors.As(err, &known) {
		return known
	}
	return startErrorf("the host has no room for another run: %s", err).because(err).ofHost()
}

func (l *launch) bear() error {
	if l.spec.Nice == 0 && l.mark != markNamespace {
		return l.fork()
	}
	return l.onThread(l.fork)
}

// fork starts the main process as the leader of a session of its own, which has no controlling
// terminal.
func (l *launch) fork() error {
	pid, err := l.host.children.start(func() (pid int, err error) {
		err = l.host.limits.while(l.limit, func() (err error) {
			l.begun = time.Now()
			pid, err = l.makeChild()
			return err
		})
		return pid, err
	})
	if err == nil {
		l.main = newMainProcess(l.host.children, pid, l.pidfd)
		l.limit.harden(pid)
	}
	return err
}

// makeChild disinherits the child before its first instruction where the host can; the standard
// library does it without its score and keyring.
func (l *launch) makeChild() (pid int, err error) {
	if l.host.caps.find(CapDisinherit).Available {
		pid, l.pidfd, err = l.spawn().start(l.cgroupFD())
		return pid, err
	}
	l.attr.Setsid, l.attr.PidFD = true, &l.pidfd
	attr := &syscall.ProcAttr{
		Dir:   l.spec.Dir,
		Env:   compactEnv(l.spec.Env),
		Files: l.files,
		Sys:   &l.attr,
	}
	err = unblocked(func() (err error) {
		pid, _, err = syscall.StartProcess(l.path, l.argv, attr)
		return err
	})
	if err == nil {
		scoreLate(pid)
	}
	return pid, err
}

// spawn lists the steps of the child.
func (l *launch) spawn() *spawn {
	s := &spawn{}
	l.host.heritage.disinherit(s)
	if l.spec.Nice != 0 && l.host.heritage.urged { // else it has it from its thread
		s.must(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(l.spec.Nice))
	}
	if l.attr.Credential != nil {
		s.becomeUser(l.attr.Credential)
	}
	if l.spec.Dir != "" {
		s.must(unix.SYS_CHDIR, s.text(l.spec.Dir))
	}
	s.descriptors(l.files)
	l.host.heritage.begin(s)
	s.program(l.path, l.argv, compactEnv(l.spec.Env))
	return s
}

func (l *launch) cgroupFD() int {
	if l.attr.UseCgroupFD {
		return l.attr.CgroupFD
	}
	return -1
}

func (l *launch) newTree() tree {
	switch l.mark {
	case markCgroup:
		return &cgroupTree{
			group:   l.group,
			main:    l.main.pid,
			parent:  l.host.cgroups,
			hasKill: l.host.caps.find(CapCgroupKill).Available,
		}
	case markNamespace:
		return &markedTree{
			host:    l.host,
			main:    l.main,
			members: l.space.members,
			close:   l.space.close,
		}
	default:
		return &markedTree{
			host:    l.host,
			main:    l.main,
			members: newKinship(l.main, l.spec.Mark, l.limit).members,
			close:   func() {},
		}
	}
}

// takeBack undoes what a failed start made.
func (l *launch) takeBack() {
	for _, p := range l.pumps {
		_ = p.file.Close() // never read from
	}
	l.dropCgroup()
	if l.space.fd > 0 {
		l.space.close()
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd) // the child has its own
	}
}
