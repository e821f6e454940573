package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// systemd listens as systemd does, and gives what it was told.
func systemd(t *testing.T, address string) (next func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func() string {
		buffer := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestManagerSpeaksTheProtocol(t *testing.T) {
	for kind, address := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@gusty-test-" + strconv.Itoa(os.Getpid()),
	} {
		t.Run(kind, func(t *testing.T) {
			told := systemd(t, address)
			m := newManager(environment("NOTIFY_SOCKET="+address), 1)
			for _, step := range []struct {
				say  func() error
				want string
			}{
				{m.Ready, "READY=1"},
				{func() error { return m.Status("serving\n100 jobs") }, "STATUS=serving 100 jobs"},
				{func() error { return m.Extend(90 * time.Second) }, "EXTEND_TIMEOUT_USEC=90000000"},
				{m.Stopping, "STOPPING=1"},
			} {
				if err := step.say(); err != nil {
					t.Fatal(err)
				}
				if got := told(); got != step.want {
					t.Errorf("said %q, want %q", got, step.want)
				}
			}
			if err := m.Reloading(); err != nil {
				t.Fatal(err)
			}
			var microseconds int64
			if n, err := fmt.Sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%d",
				&microseconds); n != 1 || microseconds <= 0 {
				t.Errorf("no monotonic time with the reload: %v", err)
			}
		})
	}
}

func TestManagerWithoutSystemdIsSilent(t *testing.T) {
	for _, env := range []string{"", "NOTIFY_SOCKET=", "NOTIFY_SOCKET=vsock:2:1234"} {
		m := newManager(environment(env, "WATCHDOG_USEC=1000000"), 1)
		if err := errors.Join(m.Ready(), m.Status("x"), m.Reloading(), m.Stopping(),
			m.KeepAlive(t.Context(), nil)); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
}

func TestManagerSaysThatSystemdIsGone(t *testing.T) {
	m := newManager(environment("NOTIFY_SOCKET="+filepath.Join(t.TempDir(), "gone")), 1)
	if err := m.Ready(); err == nil {
		t.Error("no error from a socket that is not there")
	}
}

func TestWatchdogLimit(t *testing.T) {
	for env, want := range map[string]time.Duration{
		"WATCHDOG_USEC=30000000":                 30 * time.Second,
		"WATCHDOG_USEC=30000000 WATCHDOG_PID=7":  30 * time.Second,
		"WATCHDOG_USEC=30000000 WATCHDOG_PID=8":  0, // meant for another process
		"WATCHDOG_USEC=-1":                       0,
		"WATCHDOG_USEC=soon":                     0,
		"WATCHDOG_USEC=99999999999999999999999 ": 0,
		"":                                       0,
	} {
		pairs := append(strings.Fields(env), "NOTIFY_SOCKET=/run/x")
		if got := newManager(environment(pairs...), 7).WatchdogLimit(); got != want {
			t.Errorf("%q: limit %v, want %v", env, got, want)
		}
	}
}

func TestKeepAliveStopsWhenUnhealthy(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	told := systemd(t, address)
	m := newManager(environment("NOTIFY_SOCKET="+address, "WATCHDOG_USEC=3000"), 1)
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{})
	done := make(chan error, 1)
	looks := 0
	go func() {
		done <- m.KeepAlive(ctx, func() bool {
			if looks++; looks == 5 {
				close(asked)
			}
			return looks <= 2
		})
	}()
	<-asked
	for range 2 {
		if got := told(); got != "WATCHDOG=1" {
			t.Errorf("said %q", got)
		}
	}
	if err := m.Stopping(); err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "STOPPING=1" { // no third sign of life came before it
		t.Errorf("said %q while unhealthy", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunHidesTheSocketFromChildren(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	told := systemd(t, address)
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	code, err := Run(t.Context(), "gusty", func(_ context.Context, m *Manager) int {
		for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
			if _, set := os.LookupEnv(name); set {
				t.Errorf("%s is still set", name)
			}
		}
		if m.WatchdogLimit() != 30*time.Second {
			t.Errorf("limit %v", m.WatchdogLimit())
		}
		if err := m.Ready(); err != nil {
			t.Error(err)
		}
		return 3
	})
	if code != 3 || err != nil {
		t.Errorf("Run gave %d, %v", code, err)
	}
	if got := told(); got != "READY=1" {
		t.Errorf("said %q", got)
	}
}
