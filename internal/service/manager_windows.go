package service

import (
	"time"

	"golang.org/x/sys/windows/svc"
)

// Manager is the service control manager, or nothing where the daemon runs in a console: then every
// method does nothing.
type Manager struct {
	states chan<- svc.Status // nil: there is none
	ended  <-chan struct{}   // closed when nobody reads states any more
}

// Ready says that the daemon serves.
func (m *Manager) Ready() error {
	return m.send(svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown})
}

// Stopping says that the ordered stop has begun.
func (m *Manager) Stopping() error { return m.send(stopPending(stopHint)) }

// Reloading does nothing: the service control manager has no such state.
func (m *Manager) Reloading() error { return nil }

// Status does nothing: the service control manager keeps no text.
func (m *Manager) Status(string) error { return nil }

// Extend asks for d more, from now, before a stop that is under way counts as hung.
func (m *Manager) Extend(d time.Duration) error { return m.send(stopPending(d)) }

// WatchdogLimit is 0: the service control manager has no watchdog.
func (m *Manager) WatchdogLimit() time.Duration { return 0 }

func (m *Manager) alive() error { return nil }

func (m *Manager) send(state svc.Status) error {
	if m.states == nil {
		return nil
	}
	select {
	case m.states <- state:
	case <-m.ended:
	}
	return nil
}
