package boltfile

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// ReleaseMap returns the resident pages of the mapped file to the system; a later read brings them
// in again from the page cache.
func ReleaseMap(tx *bolt.Tx) error {
	page := int64(unix.Getpagesize())
	size := tx.Size() &^ (page - 1)
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, tx.DB().Info().Data, uintptr(size),
		unix.MADV_DONTNEED)
	if errno != 0 {
		return fmt.Errorf("give pages back: %w", errno)
	}
	return nil
}
