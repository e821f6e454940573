package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Output is read in pieces of this size. A buffer is held only between the arrival of data and the
// return of the writer, so that the memory for it depends on the number of processors and not on
// the number of runs.
const pieceBytes = 32 << 10

// drainGrace is how long output is still read after the main process has exited while something of
// its tree holds the pipe open.
const drainGrace = 250 * time.Millisecond

type piece [pieceBytes]byte

func newPieces() *sync.Pool { return &sync.Pool{New: func() any { return new(piece) }} }

// pump carries one stream from its pipe to its writer, on a goroutine of its own.
type pump struct {
	name   string // "standard output"
	file   *os.File
	to     io.Writer
	pieces *sync.Pool
	source source        // the pipe as this system reads it
	done   chan struct{} // closed when the writer is called no more
	err    error         // of the writer; read it after done
	linger atomic.Bool   // whether the pipe is to be read on after done, for nobody
}

func newPump(name string, file *os.File, to io.Writer, pieces *sync.Pool) *pump {
	return &pump{
		name:   name,
		file:   file,
		to:     to,
		pieces: pieces,
		source: newSource(file, pieces),
		done:   make(chan struct{}),
	}
}

// run ends when every process has closed the pipe, or, once the main process has exited, when the
// deadline that expire sets has passed.
func (p *pump) run(l *lingerers) {
	open := p.carry()
	close(p.done)
	if open && p.linger.Load() && l.enter() {
		p.to = nil
		p.carryPieces()
		l.leave()
	}
	_ = p.file.Close() // only read from: there is nothing to lose
}

// carry reports whether the pipe is still open at the end.
func (p *pump) carry() bool {
	open := p.carryPieces()
	if open {
		p.source.rest(p.write)
		_ = p.file.SetReadDeadline(time.Time{})
	}
	return open
}

func (p *pump) carryPieces() bool {
	for {
		err := p.source.next(p.write)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return true
		default:
			return false // io.EOF, or a pipe that can't be read any more
		}
	}
}

// expire lets run go on for as long as grace at most while nothing more comes. What is in the pipe
// by then is still taken.
func (p *pump) expire(grace time.Duration, linger bool) {
	p.linger.Store(linger)
	if p.file.SetReadDeadline(time.Now().Add(grace)) != nil {
		_ = p.file.Close()
	}
}

// write hands a piece over; after a failure it hands over nothing more.
func (p *pump) write(data []byte) {
	if p.to == nil || p.err != nil || len(data) == 0 {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p.err = fmt.Errorf("capturing %s: the writer panicked: %v", p.name, v)
		}
	}()
	n, err := p.to.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		p.err = fmt.Errorf("capturing %s: %w", p.name, err)
	}
}
