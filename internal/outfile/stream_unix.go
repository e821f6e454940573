//go:build unix

package outfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate returns the open file under a number of its own, which no child gets.
func duplicate(fd uintptr, name string) (*os.File, error) {
	own, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(own), name), nil
}

// openForWriting makes nothing, cuts nothing, and follows no link.
func openForWriting(path string) (*os.File, error) {
	flags := os.O_WRONLY | syscall.O_NOCTTY
	return os.OpenFile(path, flags, 0)
}

// isClosed reports whether the file stands for an output that was closed when the process began:
// Go's runtime opens the null device for reading and writing in its place. Who discards what a
// program writes opens it for writing.
func isClosed(f *os.File, info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(info, null) {
		return false
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}

// IsClosedPipe reports whether err is that of a pipe whose reader has gone.
func IsClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
