package outfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// duplicate returns the open file under a handle of its own.
func duplicate(fd uintptr, name string) (*os.File, error) {
	self := windows.CurrentProcess()
	var handle windows.Handle
	err := windows.DuplicateHandle(self, windows.Handle(fd), self, &handle, 0, false,
		windows.DUPLICATE_SAME_ACCESS)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), name), nil
}

func openForWriting(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

func isClosed(*os.File, fs.FileInfo) bool { return false }

// IsClosedPipe reports whether err is that of a pipe whose reader has gone.
func IsClosedPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
