package hostclock

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Sleep sleeps to within some 50 µs. It holds a thread meanwhile: it is for the last two
// milliseconds before something is due, where time.Sleep and the runtime's timers, which wait in
// whole milliseconds (epoll_wait(2)), come up to one late.
func Sleep(d time.Duration) {
	for left := unix.NsecToTimespec(int64(d)); d > 0; {
		if !errors.Is(unix.Nanosleep(&left, &left), unix.EINTR) {
			return
		}
	}
}
