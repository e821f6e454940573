package process

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// limitMark marks a run's processes by a resource limit with a value of the run's own. Where the
// host gives neither cgroup nor namespace it tells whose a process is that has left its session,
// lost its parents and cleared its environment. RLIMIT_LOCKS is the one: Linux has not looked at it
// since 2.4.25 (getrlimit(2)), every process inherits it, and nobody without privileges can raise a
// hard limit again.
type limitMark uint64 // 0: none

// limitMarks makes them. A run is born while the agent itself has the mark as its soft limit, so
// that nothing is forked without it.
type limitMarks struct {
	own   unix.Rlimit // the agent's; Max is 0 where the host has no marks
	birth sync.Mutex
}

// leastMarkBits is how many bits of a run's id must fit into its mark, so that no two are the same.
const leastMarkBits = 48

// withoutLimitMark is what an operator should know who has none.
const withoutLimitMark = "; without a cgroup or a cgroup namespace, what leaves its session and " +
	"clears its environment outlives its run: " +
	"run the agent as root, or delegate a cgroup to it (systemd: Delegate=yes)"

// probe tries to set the agent's own soft limit.
func (l *limitMarks) probe() error {
	var own unix.Rlimit
	if err := unix.Prlimit(os.Getpid(), unix.RLIMIT_LOCKS, nil, &own); err != nil {
		return fmt.Errorf("the limits of a process can't be read: %w%s", err, withoutLimitMark)
	}
	if bits.Len64(own.Max) < leastMarkBits+2 {
		return errors.New("the limit on file locks is too low to mark runs by it" +
			withoutLimitMark)
	}
	l.own = own
	if err := l.while(l.of("probe"), func() error { return nil }); err != nil {
		l.own = unix.Rlimit{}
		return fmt.Errorf("%w%s", err, withoutLimitMark)
	}
	return nil
}

// of returns the mark of a run: the highest power of two that is well below the agent's own hard
// limit, and bits of the run's id behind.
func (l *limitMarks) of(mark string) limitMark {
	if l.own.Max == 0 || mark == "" {
		return 0
	}
	sum := sha256.Sum256([]byte("gusty run " + mark))
	first := uint64(1) << (bits.Len64(l.own.Max) - 2)
	return limitMark(first | binary.BigEndian.Uint64(sum[:])&(first-1))
}

// while calls fork with the mark as the agent's soft limit.
func (l *limitMarks) while(m limitMark, fork func() error) error {
	if m == 0 {
		return fork()
	}
	l.birth.Lock()
	defer l.birth.Unlock()
	limit := unix.Rlimit{Cur: uint64(m), Max: l.own.Max}
	if err := unix.Prlimit(os.Getpid(), unix.RLIMIT_LOCKS, &limit, nil); err != nil {
		return fmt.Errorf("the limit on file locks can't be set: %w", err)
	}
	err := fork()
	// what could be set can be set back; the child is there
	_ = unix.Prlimit(os.Getpid(), unix.RLIMIT_LOCKS, &l.own, nil)
	return err
}

// harden makes the mark of a process its hard limit too, which what it forks from now on can't
// raise.
func (m limitMark) harden(pid int) {
	limit := unix.Rlimit{Cur: uint64(m), Max: uint64(m)}
	if m != 0 {
		_ = unix.Prlimit(pid, unix.RLIMIT_LOCKS, &limit, nil) // the soft limit is a mark already
	}
}

// has reports whether a process has the mark. Of a process that has become another user's that
// can't be read, and it could not be signalled either.
func (m limitMark) has(pid int) bool {
	var limit unix.Rlimit
	if m == 0 || unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &limit) != nil {
		return false
	}
	return limit.Cur == uint64(m) || limit.Max == uint64(m)
}
