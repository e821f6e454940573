package process

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// CloseInherited keeps every descriptor that the agent was started with, but standard input, output
// and error, from reaching a script. It belongs first in main: descriptors that Go opens are marked
// so from the beginning.
func CloseInherited() error {
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	return markEach(err) // Linux before 5.11
}

func markEach(cause error) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("inherited descriptors can't be kept from scripts: %w",
			errors.Join(cause, err))
	}
	for _, e := range entries {
		if fd, ok := parsePID(e.Name()); ok && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// TightenUmask keeps the files that the agent and its runs make from being writable for everyone
// because the agent was started so. Any umask that has thought of others stays, as a service
// manager sets it for a service. It belongs first in main.
func TightenUmask() {
	const others, usual = 0o002, 0o022
	if own := unix.Umask(usual); own&others != 0 {
		unix.Umask(own)
	} else {
		unix.Umask(own | usual)
	}
}
