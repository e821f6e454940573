// Package service connects a daemon to what started it: systemd's notification protocol on Linux,
// the service control manager on Windows, and nothing at all where it was started by hand. The
// daemon's main function is the same for all of them: it gets a context that ends when it is asked
// to stop, and a Manager to tell how it is doing.
package service

import (
	"context"
	"time"
)

// Main is the daemon. It returns the process's exit code.
type Main func(ctx context.Context, manager *Manager) (exitCode int)

// watchdogShare is the part of the manager's time limit after which KeepAlive gives its sign of
// life: sd_watchdog_enabled(3) recommends a half, and a third leaves room for a late timer.
const watchdogShare = 3

// KeepAlive tells the manager's watchdog, as often as it asks for, that the daemon lives, until ctx
// ends. A sign is left out while healthy says no; after enough of them the manager ends the process
// and starts it afresh. It returns at once where no watchdog is set.
func (m *Manager) KeepAlive(ctx context.Context, healthy func() bool) error {
	limit := m.WatchdogLimit()
	if limit <= 0 {
		return nil
	}
	ticker := time.NewTicker(limit / watchdogShare)
	defer ticker.Stop()
	for {
		if healthy() {
			if err := m.alive(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
