package process

import (
	"bytes"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// freezeWithin bounds how long a tree may take to hold still: a process in an uninterruptible
	// wait does not.
	freezeWithin = 100 * time.Millisecond
	freezePause  = 200 * time.Microsecond
)

// whileFrozen calls do while nothing of the group runs, so that a signal reaches all that live at
// this moment, and none of what they start because of it. Where the kernel can't freeze, or not in
// time, do is called all the same.
func (g cgroup) whileFrozen(do func() error) error {
	if g.write("cgroup.freeze", "1") != nil {
		return do() // Linux before 5.2, or the group is gone
	}
	g.awaitFrozen()
	err := do()
	return errors.Join(err, g.thaw())
}

// thaw is no error where the group has been removed.
func (g cgroup) thaw() error {
	err := g.write("cgroup.freeze", "0")
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func (g cgroup) awaitFrozen() {
	var buf [256]byte
	for deadline := time.Now().Add(freezeWithin); time.Now().Before(deadline); time.Sleep(
		freezePause) {
		n, err := readSmall(g.dir()+"/cgroup.events", buf[:])
		if err != nil || bytes.Contains(buf[:n], []byte("populated 0")) ||
			bytes.Contains(buf[:n], []byte("frozen 1")) {
			return
		}
	}
}
