//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// systemDataDir is where an agent that runs as root keeps its data.
const systemDataDir = "/var/lib/gusty"

// howToStart is the sentence for an agent that is not running.
const howToStart = "start it (systemctl start gusty, or gustyd)"

// defaultDataDir is where the agent of this user keeps its data, or "" where nothing tells.
func defaultDataDir(getenv func(string) string) string {
	if os.Geteuid() == 0 {
		return systemDataDir
	}
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "gusty")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "gusty")
	}
	return ""
}

// processAlive reports whether a process of this id exists, be it another user's.
func processAlive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isRefused reports whether err is a connection that nobody took.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// ownedByUs reports whether the directory belongs to the user who runs this.
func ownedByUs(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
