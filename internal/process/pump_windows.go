package process

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// restPieces bounds what rest takes.
const restPieces = 1 << 20 / pieceBytes

// pipeBytes is the system's buffer for a pipe.
const pipeBytes = 64 << 10

func inheritable() *windows.SecurityAttributes {
	access := &windows.SecurityAttributes{InheritHandle: 1}
	access.Length = uint32(unsafe.Sizeof(*access))
	return access
}

// newPipe returns the agent's end, which knows deadlines, and the script's end, which can be
// inherited. An anonymous pipe knows no deadlines. The name can't be guessed, there is one instance
// only, and it has its reader already.
func newPipe() (agent *os.File, script windows.Handle, err error) {
	name, err := windows.UTF16PtrFromString(`\\.\pipe\gusty-` + rand.Text())
	if err != nil {
		return nil, 0, err
	}
	read, err := windows.CreateNamedPipe(name,
		windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_FIRST_PIPE_INSTANCE|
			windows.FILE_FLAG_OVERLAPPED,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, 1, 0, pipeBytes, 0, nil)
	if err != nil {
		return nil, 0, err
	}
	script, err = windows.CreateFile(name, windows.GENERIC_WRITE, 0, inheritable(),
		windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return nil, 0, errors.Join(err, windows.CloseHandle(read))
	}
	return os.NewFile(uintptr(read), "pipe"), script, nil
}

// source reads a pipe piece by piece. It holds a buffer while it waits: the system wants to have it
// beforehand.
type source struct {
	file   *os.File
	pieces *sync.Pool
}

func newSource(file *os.File, pieces *sync.Pool) source {
	return source{file: file, pieces: pieces}
}

// next waits for data and hands one piece of it over.
func (s *source) next(take func([]byte)) error {
	buf := s.pieces.Get().(*piece)
	defer s.pieces.Put(buf)
	n, err := s.file.Read(buf[:])
	take(buf[:n])
	if err == nil && n == 0 {
		return io.EOF
	}
	return err
}

// rest hands over what is in the pipe now.
func (s *source) rest(take func([]byte)) {
	if s.file.SetReadDeadline(time.Time{}) != nil {
		return
	}
	for range restPieces {
		if !s.hasData() || s.next(take) != nil {
			return
		}
	}
}

func (s *source) hasData() bool {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return false
	}
	var available uint32
	err = conn.Control(func(handle uintptr) { available = peekPipe(windows.Handle(handle)) })
	return err == nil && available > 0
}

func peekPipe(pipe windows.Handle) (available uint32) {
	peek := windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")
	ok, _, _ := peek.Call(uintptr(pipe), 0, 0, 0, uintptr(unsafe.Pointer(&available)), 0)
	if ok == 0 {
		return 0
	}
	return available
}
