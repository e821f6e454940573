package hostclock

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A clock that is set for real is tested in a guest (test/guest). Here the wait itself: a clock
// that nobody sets wakes nobody, and the end of the context ends it.
func TestNotifyEndsWithItsContext(t *testing.T) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	if err := arm(fd); err != nil {
		t.Fatal(err)
	}
	calls, done := make(chan struct{}, 1), make(chan struct{})
	go func() { wait(timer, fd, func() { calls <- struct{}{} }); close(done) }()
	select {
	case <-calls:
		t.Error("it was told that the clock was set")
	case <-done:
		t.Error("it did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if err := timer.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestNotifyStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	if err := Notify(ctx, func() {}); err != nil {
		t.Fatal(err)
	}
	cancel()
}
