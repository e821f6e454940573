//go:build linux && (amd64 || arm64)

package process

import (
	"bytes"
	"errors"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestThePidfdIsThereThoughTheStackMoved lets the collector shrink the stack of a goroutine that
// waits for its turn to make a child: the kernel must not write to where the stack was.
func TestThePidfdIsThereThoughTheStackMoved(t *testing.T) {
	type child struct {
		pid, pidfd int
		err        error
	}
	made := make(chan child, 1)
	syscall.ForkLock.RLock()
	go func() {
		grow(200)
		s := &spawn{}
		s.program("/bin/true", []string{"true"}, nil)
		pid, pidfd, err := s.start(-1)
		made <- child{pid, pidfd, err}
	}()
	waits := awaitStack(t, "(*spawn).clone", "(*RWMutex).Lock")
	runtime.GC()
	runtime.GC()
	syscall.ForkLock.RUnlock()
	got := <-made
	if errors.Is(got.err, unix.ENOSYS) {
		t.Skip("this kernel has no clone3")
	}
	if !waits || got.err != nil {
		t.Fatalf("waited: %t, error %v", waits, got.err)
	}
	var exit unix.Siginfo
	if err := unix.Waitid(unix.P_PIDFD, got.pidfd, &exit, unix.WEXITED, nil); err != nil {
		t.Errorf("the pidfd of process %d is %d: %v", got.pid, got.pidfd, err)
		_, _ = unix.Wait4(got.pid, nil, 0, nil)
	}
	if got.pidfd > 2 {
		_ = unix.Close(got.pidfd)
	}
}

// grow makes the goroutine's stack large.
//
//go:noinline
func grow(calls int) byte {
	var room [1024]byte
	room[calls%len(room)] = 1
	if calls > 0 {
		return grow(calls-1) + room[3]
	}
	return room[0]
}

// awaitStack waits until a goroutine is where these functions call each other, and reports whether
// one is.
func awaitStack(t *testing.T, functions ...string) bool {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		runtime.Gosched()
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		for one := range bytes.SplitSeq(all, []byte("\n\n")) {
			if containsAll(one, functions) {
				return true
			}
		}
	}
	return false
}

func containsAll(text []byte, parts []string) bool {
	for _, part := range parts {
		if !bytes.Contains(text, []byte(part)) {
			return false
		}
	}
	return true
}
