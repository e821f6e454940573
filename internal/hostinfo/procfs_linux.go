package hostinfo

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
)

// procReader reads files of /proc, one at a time, into a buffer that it keeps.
type procReader struct{ buffer []byte }

// read returns the whole content of path, valid until the next call. It goes past package os, which
// would register the file with the poller and give it a finalizer: four times the cost for the same
// bytes.
func (r *procReader) read(path string) ([]byte, error) {
	fd, err := openProc(path, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }() // opened to be read only: nothing can be lost
	if r.buffer == nil {
		r.buffer = make([]byte, 4096)
	}
	for filled := 0; ; {
		n, err := retry(func() (int, error) { return syscall.Read(fd, r.buffer[filled:]) })
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return r.buffer[:filled], nil
		}
		if filled += n; filled == len(r.buffer) {
			r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)
		}
	}
}

func openProc(path string, flags int) (int, error) {
	fd, err := retry(func() (int, error) {
		return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|flags, 0)
	})
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR { //nolint:errorlint // a bare errno, which nothing wraps
			return n, err
		}
	}
}

// countEntries counts the entries of a directory of /proc whose name is a number, and reads their
// names without keeping one.
func (r *procReader) countEntries(path string) (uint64, error) {
	fd, err := openProc(path, syscall.O_DIRECTORY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = syscall.Close(fd) }() // as above
	if r.buffer == nil {
		r.buffer = make([]byte, 4096)
	}
	for count := uint64(0); ; {
		n, err := retry(func() (int, error) { return syscall.ReadDirent(fd, r.buffer) })
		if err != nil {
			return 0, &os.PathError{Op: "getdents64", Path: path, Err: err}
		}
		if n <= 0 {
			return count, nil
		}
		count += countNumbers(r.buffer[:n])
	}
}

// countNumbers counts the records of getdents64(2) whose name begins with a digit: ino 8 bytes, off
// 8, reclen 2, type 1, name.
func countNumbers(records []byte) (count uint64) {
	const lengthAt, nameAt = 16, 19
	for len(records) > nameAt {
		length := int(binary.NativeEndian.Uint16(records[lengthAt:]))
		if length <= nameAt || length > len(records) {
			break
		}
		if isDigit(records[nameAt]) {
			count++
		}
		records = records[length:]
	}
	return count
}

// scanner walks over the words and numbers of one file of /proc. It never fails: what is not there
// reads as 0 or nothing.
type scanner struct{ rest []byte }

// word returns the next word of the current line, and nothing at its end.
func (s *scanner) word() []byte {
	i := 0
	for i < len(s.rest) && (s.rest[i] == ' ' || s.rest[i] == '\t') {
		i++
	}
	start := i
	for i < len(s.rest) && s.rest[i] != ' ' && s.rest[i] != '\t' && s.rest[i] != '\n' {
		i++
	}
	w := s.rest[start:i]
	s.rest = s.rest[i:]
	return w
}

// number returns the next word as a number, without what follows its digits.
func (s *scanner) number() uint64 { return parseDigits(s.word()) }

// skip passes over n words.
func (s *scanner) skip(n int) {
	for range n {
		s.word()
	}
}

// line returns the next line without its end, and whether there was one.
func (s *scanner) line() (scanner, bool) {
	if len(s.rest) == 0 {
		return scanner{}, false
	}
	for i, c := range s.rest {
		if c == '\n' {
			line := s.rest[:i]
			s.rest = s.rest[i+1:]
			return scanner{line}, true
		}
	}
	line := s.rest
	s.rest = nil
	return scanner{line}, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseDigits reads the leading digits of text; a number that does not fit is the highest that
// does.
func parseDigits(text []byte) (n uint64) {
	for _, c := range text {
		if !isDigit(c) {
			break
		}
		if n > (math.MaxUint64-9)/10 {
			return math.MaxUint64
		}
		n = 10*n + uint64(c-'0')
	}
	return n
}

// shapeError says that a file of /proc is not what this package knows.
func shapeError(path string) error {
	return fmt.Errorf("%s is not of a known form: %w", path, io.ErrUnexpectedEOF)
}
