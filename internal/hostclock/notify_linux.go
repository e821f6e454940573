package hostclock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Notify calls set, from a goroutine of its own, within milliseconds of every time that the wall
// clock is set or the host wakes up, until ctx ends. An error says that this host cannot tell;
// looking now and then remains.
//
// It waits for a timer that never fires and is cancelled when the clock is set
// (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)).
func Notify(ctx context.Context, set func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch for the clock being set: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	if err := arm(fd); err != nil {
		_ = timer.Close() // it was never waited for
		return fmt.Errorf("watch for the clock being set: %w", err)
	}
	go wait(timer, fd, set)
	context.AfterFunc(ctx, func() { _ = timer.Close() }) // which ends the wait
	return nil
}

// arm sets the timer to a time that does not come: the last second that the kernel takes.
func arm(fd int) error {
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt64 / 1_000_000_000}}
	return unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil)
}

func wait(timer *os.File, fd int, set func()) {
	var expirations [8]byte
	for {
		_, err := timer.Read(expirations[:])
		if err != nil && !errors.Is(err, unix.ECANCELED) {
			return
		}
		set()
		// The kernel keeps it armed, but for a clock that was set between the read and now.
		if err := arm(fd); err != nil && !errors.Is(err, unix.ECANCELED) {
			return
		}
	}
}
