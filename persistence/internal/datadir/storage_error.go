package datadir

import (
	"errors"

	"gusty/messages"
)

// StorageCode returns the code of the errors after which a disk may well take the next write.
func StorageCode(err error) (messages.Code, bool) {
	switch {
	case errors.Is(err, ErrNoSpace):
		return messages.CodeStorageFull, true
	case errors.Is(err, errNoQuota):
		return messages.CodeStorageQuota, true
	case errors.Is(err, ErrReadOnly):
		return messages.CodeStorageReadOnly, true
	}
	return "", false
}

// StorageCause says in words why a storage takes no writes.
func StorageCause(code messages.Code) string {
	switch code {
	case messages.CodeStorageQuota:
		return "the disk quota is used up"
	case messages.CodeStorageReadOnly:
		return "the file system of the data directory is read-only"
	default:
		return "no space is left for the data directory"
	}
}

func StorageError(code messages.Code) *messages.Error {
	return messages.Errorf(code, "%s; nothing was done", StorageCause(code))
}

// IsStorageError reports whether an error means that a disk has no room, no quota left, or is
// read-only: nothing is wrong with what was to be written, and it may be written later.
func IsStorageError(err error) bool {
	if e := messages.AsError(err); e != nil {
		return e.Code == messages.CodeStorageFull || e.Code == messages.CodeStorageQuota ||
			e.Code == messages.CodeStorageReadOnly
	}
	_, ok := StorageCode(err)
	return ok
}
