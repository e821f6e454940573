package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"

	"gusty/internal/private"
)

// systemDataDir is empty: there is one place for every user's agent, and defaultDataDir names it.
const systemDataDir = ""

// howToStart is the sentence for an agent that is not running.
const howToStart = "start it (sc start gusty, or gustyd)"

// defaultDataDir is where the agent keeps its data, or "" where nothing tells.
func defaultDataDir(getenv func(string) string) string {
	if dir := getenv("ProgramData"); dir != "" {
		return filepath.Join(dir, "Gusty")
	}
	return ""
}

// processAlive reports whether a process of this id exists.
func processAlive(pid int) bool {
	if pid <= 0 {
		return false
	}
	// On Windows this opens the process, and fails where there is none. One that may not be opened
	// exists.
	process, err := os.FindProcess(pid)
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	return process.Release() == nil
}

// isRefused reports whether err is a connection that nobody took.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

// ownedByUs reports whether the directory belongs to the user who runs this, the administrators,
// the system or the service.
func ownedByUs(dir string) bool { return private.CheckOwner(dir) == nil }
