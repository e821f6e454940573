//go:build !windows

package main

import (
	"os"
	"syscall"
)

// isUnlinked reports whether an open file has no name any more. What can't be told counts as no.
func isUnlinked(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
