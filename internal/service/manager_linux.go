package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Manager is systemd, or nothing where NOTIFY_SOCKET is not set: then every method does nothing.
type Manager struct {
	socket   *net.UnixAddr // nil: there is none
	watchdog time.Duration // 0: off
}

// Run runs main until it returns. The name matters on Windows only; signals are the caller's to
// turn into the end of ctx.
func Run(ctx context.Context, _ string, main Main) (exitCode int, err error) {
	manager := newManager(os.Getenv, os.Getpid())
	// What the daemon starts must not speak in its name.
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if err := os.Unsetenv(name); err != nil {
			return 1, err
		}
	}
	return main(ctx, manager), nil
}

// newManager reads the environment of sd_notify(3) and sd_watchdog_enabled(3).
func newManager(getenv func(string) string, pid int) *Manager {
	m := &Manager{}
	path := getenv("NOTIFY_SOCKET")
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "@") {
		return m // none, or a kind of address (vsock) that only virtual machines use as a whole
	}
	// package net takes a leading @ for an abstract name
	m.socket = &net.UnixAddr{Name: path, Net: "unixgram"}
	if owner := getenv("WATCHDOG_PID"); owner != "" && owner != strconv.Itoa(pid) {
		return m
	}
	if limit, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && limit > 0 {
		m.watchdog = time.Duration(limit) * time.Microsecond
	}
	return m
}

// Ready says that the daemon serves, after its start or after Reloading.
func (m *Manager) Ready() error { return m.send("READY=1") }

// Stopping says that the ordered stop has begun.
func (m *Manager) Stopping() error { return m.send("STOPPING=1") }

// Reloading says that the daemon reads its settings again; Ready ends that.
func (m *Manager) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("monotonic clock: %w", err)
	}
	return m.send("RELOADING=1\nMONOTONIC_USEC=" +
		strconv.FormatInt(now.Nano()/int64(time.Microsecond), 10))
}

// Status tells people in one line what the daemon does; `systemctl status` shows it.
func (m *Manager) Status(line string) error {
	return m.send("STATUS=" + strings.ReplaceAll(line, "\n", " "))
}

// Extend asks for d more, from now, before a start or a stop that is under way counts as hung.
func (m *Manager) Extend(d time.Duration) error {
	return m.send("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10))
}

// WatchdogLimit is the time after which the manager ends a daemon that gave no sign of life; 0: it
// never does.
func (m *Manager) WatchdogLimit() time.Duration { return m.watchdog }

func (m *Manager) alive() error { return m.send("WATCHDOG=1") }

// send returns state to systemd in one datagram. A connection for each keeps no descriptor open,
// and survives a systemd that starts afresh.
func (m *Manager) send(state string) error {
	if m.socket == nil {
		return nil
	}
	conn, err := net.DialUnix(m.socket.Net, nil, m.socket)
	if err != nil {
		return fmt.Errorf("tell systemd %q: %w", state, err)
	}
	_, err = conn.Write([]byte(state))
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell systemd %q: %w", state, err)
	}
	return nil
}
