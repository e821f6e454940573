package systemd

import (
	"bytes"
	"context"
	_ "embed" // boot.sh
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

// Far above what a boot and an end take: a busy machine shall not fail a test.
const (
	bootWithin  = 2 * time.Minute
	closeWithin = time.Minute
)

// Machine is a booted systemd.
type Machine struct {
	Leader  int // the process id of its first process, as the host sees it
	janitor *exec.Cmd
	alive   io.Closer // the janitor's standard input
	said    *words
	done    chan struct{} // closed when the machine is gone
}

// words collects what is written to it, and may be read meanwhile.
type words struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write implements io.Writer.
func (w *words) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.Write(p)
}

// String returns all that was written so far.
func (w *words) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.String()
}

// Boot boots a machine and waits until its systemd has started everything. Close ends it.
func Boot(ctx context.Context) (*Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, bootWithin)
	defer cancel()
	m := &Machine{said: &words{}, done: make(chan struct{})}
	if err := m.start(); err != nil {
		return nil, err
	}
	if err := errors.Join(m.awaitLeader(ctx), m.awaitBoot(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("boot: %w; it said:\n%s", err, m.said), m.Close())
	}
	return m, nil
}

// start starts the janitor, in a session of its own: what ends this process's group must not end
// it.
func (m *Machine) start() (err error) {
	name := fmt.Sprintf("gusty-test-%d-%x", os.Getpid(), time.Now().UnixNano())
	m.janitor = exec.Command("bash", "-c", bootScript, "boot.sh", name)
	m.janitor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	m.janitor.Stdout, m.janitor.Stderr = m.said, m.said
	if m.alive, err = m.janitor.StdinPipe(); err != nil {
		return err
	}
	if err := m.janitor.Start(); err != nil {
		return fmt.Errorf("boot: %w", err)
	}
	go func() {
		_ = m.janitor.Wait() // what it said tells more
		close(m.done)
	}()
	return nil
}

// Close ends the machine at once and waits until nothing is left of it.
func (m *Machine) Close() error {
	err := m.alive.Close()
	select {
	case <-m.done:
	case <-time.After(closeWithin):
		err = errors.Join(err, fmt.Errorf("the machine does not end; it said:\n%s", m.said))
	}
	return err
}

// poll calls done until it reports true, the machine is gone, or ctx has ended.
func (m *Machine) poll(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-m.done:
			return errors.New("the machine is gone")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// awaitBoot waits until systemd has nothing left to start.
func (m *Machine) awaitBoot(ctx context.Context) error {
	var state string
	err := m.poll(ctx, func() bool {
		state, _ = m.Run(ctx, "systemctl", "is-system-running") // no answer at first
		return state == "running\n" || state == "degraded\n"
	})
	if err != nil {
		return fmt.Errorf("the system is %q: %w", state, err)
	}
	return nil
}
