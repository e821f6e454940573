//go:build unix

package outfile

import "syscall"

// give returns the temporary file to the owner and the group of the one that it replaces, and
// reports whether it is theirs.
func (t *Target) give() bool {
	old, ok := t.place.Info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	return t.file.Chown(int(old.Uid), int(old.Gid)) == nil
}
