//go:build !windows

package main

import "path/filepath"

// defaultDataDir is /var/lib/gusty for root, else $XDG_STATE_HOME/gusty, whose default is
// ~/.local/state (XDG Base Directory Specification).
func defaultDataDir(uid int, env lookupEnv) (string, error) {
	if uid == 0 {
		return "/var/lib/gusty", nil
	}
	if state, ok := env("XDG_STATE_HOME"); ok && filepath.IsAbs(state) {
		return filepath.Join(state, "gusty"), nil
	}
	home, ok := env("HOME")
	if !ok || home == "" {
		return "", errNoHome
	}
	return filepath.Join(home, ".local", "state", "gusty"), nil
}
