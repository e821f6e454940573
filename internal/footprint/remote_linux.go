package footprint

import "golang.org/x/sys/unix"

// remote reports whether a file may lie on another machine or behind another process. Pages of an
// executable there are better kept: when the server is gone, the next touch of one that was given
// back would hang the program, or kill it with SIGBUS where the file was replaced there.
func remote(path string) bool {
	var system unix.Statfs_t
	if err := unix.Statfs(path, &system); err != nil {
		return true
	}
	switch int64(system.Type) { //nolint:unconvert // of another type on some architectures
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
		unix.FUSE_SUPER_MAGIC,
		unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC:
		return true
	}
	return false
}
