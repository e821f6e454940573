package atomicfile

import (
	"os"

	"golang.org/x/sys/windows"
)

// Replace renames with write-through: the call returns when the rename is on disk, as far as the
// volume keeps that promise.
func Replace(from, to string) error {
	return move(from, to, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
}

// PlaceNew renames without leave to replace, which fails with ERROR_ALREADY_EXISTS (fs.ErrExist).
func PlaceNew(from, to string) error { return move(from, to, windows.MOVEFILE_WRITE_THROUGH) }

func move(from, to string, flags uint32) error {
	fromPointer, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	toPointer, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err := windows.MoveFileEx(fromPointer, toPointer, flags); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// SyncDir does nothing: Windows has no sync of a directory, and the renames of this package are
// written through.
func SyncDir(string) error { return nil }
