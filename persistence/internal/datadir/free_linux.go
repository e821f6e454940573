package datadir

import "golang.org/x/sys/unix"

// DiskRoom returns how much the file system of dir still takes from this user.
func DiskRoom(dir string) (bytes uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
