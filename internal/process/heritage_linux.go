package process

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// heritage is what a child would have of the agent and must not, or must have otherwise. It is read
// once, but for what may change.
type heritage struct {
	// the limit on descriptors that the agent was started with: Go raises it for itself
	files unix.Rlimit
	urged bool // the agent is preferred by the scheduler, which a run must not be
	// the agent was started without a protection of its memory that a run must have
	weak bool
	kind uintptr // personality(2), with it
}

// probeHeritage makes a child that can't become a program, step by step as a run is made.
func (h *Host) probeHeritage() error {
	if !canSpawn {
		return errors.New("not for this kind of machine")
	}
	files, err := startedWithFiles(h.null)
	if err != nil {
		return err
	}
	h.heritage = heritage{files: files, urged: isUrged()}
	h.heritage.weak, h.heritage.kind = isWeak()
	s := &spawn{}
	h.heritage.disinherit(s)
	s.program("/dev/null/none", []string{"none"}, nil)
	if _, _, err = s.start(-1); !errors.Is(err, unix.ENOTDIR) {
		return errors.Join(errors.New("the kernel does not make a child as it should"), err)
	}
	return nil
}

// startedWithFiles returns the limit on descriptors of a child of the standard library, which
// undoes what Go has raised.
func startedWithFiles(null int) (limit unix.Rlimit, err error) {
	attr := &syscall.ProcAttr{Files: []uintptr{uintptr(null), uintptr(null), uintptr(null)}}
	pid, _, err := syscall.StartProcess("/bin/sh", []string{"sh", "-c", ":"}, attr)
	if err != nil {
		return limit, err
	}
	err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit) // a zombie has its limits still
	return limit, errors.Join(err, reapFailed(pid))
}

// disinherit adds the steps that need the agent's own rights.
func (g *heritage) disinherit(s *spawn) {
	s.must(unix.SYS_SETSID)
	if score, err := runOOMScore(); err == nil {
		s.may(unix.SYS_OPENAT, atCwd, s.text(oomScoreFile), unix.O_WRONLY|unix.O_CLOEXEC)
		s.mayOnResult(unix.SYS_WRITE, s.text(score), uintptr(len(score)))
	}
	s.may(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0)
	if g.urged {
		s.calmDown()
	}
	if g.weak {
		s.may(unix.SYS_PERSONALITY, g.kind)
	}
}

// isWeak reports whether the agent was started without address randomization, or with memory that
// is executable where it need not be (as by setarch -R), and the personality without that.
func isWeak() (weak bool, kind uintptr) {
	const (
		ask = 0xffffffff
		// ADDR_NO_RANDOMIZE MMAP_PAGE_ZERO ADDR_COMPAT_LAYOUT READ_IMPLIES_EXEC
		flaws = 0x0040000 | 0x0100000 | 0x0200000 | 0x0400000
	)
	own, _, errno := unix.RawSyscall(unix.SYS_PERSONALITY, ask, 0, 0)
	return errno == 0 && own&flaws != 0, own &^ flaws
}

// becomeUser adds the steps that give all rights up. A user has a session keyring of its own, so
// that it counts as the user's.
func (s *spawn) becomeUser(c *syscall.Credential) {
	var groups uintptr
	if len(c.Groups) > 0 {
		s.kept = append(s.kept, c.Groups)
		groups = uintptr(unsafe.Pointer(&c.Groups[0]))
	}
	s.must(unix.SYS_SETGROUPS, uintptr(len(c.Groups)), groups)
	s.must(unix.SYS_SETGID, uintptr(c.Gid))
	s.must(unix.SYS_SETUID, uintptr(c.Uid))
	// setuid has done so, unless securebits forbid
	s.may(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	s.may(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0)
}

// begin adds the steps from here to the program.
func (g *heritage) begin(s *spawn) {
	files, none := g.files, unix.Sigset_t{}
	s.kept = append(s.kept, &files, &none)
	// Somebody may have lowered the agent's hard limit since its start, which only rights undo.
	s.may(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&files)), 0)
	s.must(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&none)), 0,
		signalCount/8)
}

// atCwd is AT_FDCWD as an argument of a system call.
const atCwd = ^uintptr(99)

const (
	oomScoreFile = "/proc/self/oom_score_adj" // proc_pid_oom_score_adj(5)
	// oomScoreOfRuns is added to the agent's own score: half of all memory. A run is to go before
	// the agent does, however small its processes.
	oomScoreOfRuns = 500
	oomScoreMost   = 1000
)

// runOOMScore returns the score of a run that begins now. It is never negative: the protection of
// the agent is not its jobs'.
func runOOMScore() (string, error) {
	var buf [16]byte
	n, err := readSmall(oomScoreFile, buf[:])
	if err != nil {
		return "", err
	}
	own, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return "", err
	}
	return strconv.Itoa(scoreAbove(own)), nil
}

func scoreAbove(own int) int { return min(max(own+oomScoreOfRuns, 0), oomScoreMost) }

// scoreLate sets the score of a run that lives already, where it could not be set at its birth.
func scoreLate(pid int) {
	if score, err := runOOMScore(); err == nil {
		// the process may be gone
		_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte(score), 0)
	}
}
