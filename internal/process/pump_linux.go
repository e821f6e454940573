package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// restPieces bounds what rest takes: as much as the largest pipe (1 MiB) holds.
const restPieces = 1 << 20 / pieceBytes

// newPipe returns the agent's end, which the runtime's poller waits for, and the script's end,
// which blocks as programs expect it to.
func newPipe() (agent *os.File, script int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, -1, errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "pipe"), fds[1], nil
}

// source reads a pipe piece by piece, and holds no buffer while it waits.
type source struct {
	conn   syscall.RawConn
	failed error // why there is no conn
	pieces *sync.Pool
}

func newSource(file *os.File, pieces *sync.Pool) source {
	conn, err := file.SyscallConn()
	return source{conn: conn, failed: err, pieces: pieces}
}

// next waits for data and hands one piece of it over.
func (s *source) next(take func([]byte)) error {
	if s.failed != nil {
		return s.failed
	}
	var buf *piece
	var n int
	var readErr error
	err := s.conn.Read(func(fd uintptr) bool {
		buf = s.pieces.Get().(*piece)
		n, readErr = readRetrying(int(fd), buf[:])
		if errors.Is(readErr, unix.EAGAIN) {
			s.pieces.Put(buf)
			buf = nil
			return false
		}
		return true
	})
	if buf == nil {
		return err
	}
	defer s.pieces.Put(buf)
	return hand(take, buf[:max(n, 0)], readErr)
}

func hand(take func([]byte), data []byte, err error) error {
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return io.EOF
	}
	take(data)
	return nil
}

// rest hands over what is in the pipe now: a deadline that has passed keeps next from reading
// although there may be something.
func (s *source) rest(take func([]byte)) {
	if s.failed != nil {
		return
	}
	buf := s.pieces.Get().(*piece)
	defer s.pieces.Put(buf)
	for range restPieces {
		var n int
		var readErr error
		if s.conn.Control(func(fd uintptr) { n, readErr = readRetrying(int(fd), buf[:]) }) != nil {
			return
		}
		if hand(take, buf[:max(n, 0)], readErr) != nil {
			return
		}
	}
}

func readRetrying(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
