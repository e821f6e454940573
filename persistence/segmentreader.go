package persistence

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// segmentReader returns the pieces of one segment in order.
type segmentReader struct {
	in     *bufio.Reader
	file   *os.File
	aead   cipher.AEAD
	run    format.RunKey
	number int
	frames uint64 // the least number that the next one may have
	torn   bool   // the file ends within a frame
}

// openSegment returns nil where there is no such segment, or none with a whole header.
func openSegment(dir string, ring *keyring.Keyring, run format.RunKey, number int) (*segmentReader,
	error,
) {
	f, err := os.Open(segmentPath(dir, run, number))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the output: %w", err)
	}
	r := &segmentReader{file: f, in: bufio.NewReaderSize(f, 32<<10), run: run, number: number}
	header := make([]byte, segmentHeader)
	if _, err := io.ReadFull(r.in, header); err != nil {
		return nil, f.Close()
	}
	if string(header[:8]) != segmentMagic ||
		binary.BigEndian.Uint16(header[8:]) != keyring.SealVersion {
		return nil, errors.Join(errDamagedOutput(run), f.Close())
	}
	r.aead, err = segmentKey(ring, binary.BigEndian.Uint32(header[10:]), header[14:], run, number)
	if err != nil {
		return nil, errors.Join(errDamagedOutput(run), f.Close())
	}
	return r, nil
}

// damagedOutputError is an output that is not what it was: ErrDamaged, and what a client is told of
// it.
type damagedOutputError struct{ told *messages.Error }

// Error returns the sentence.
func (e *damagedOutputError) Error() string { return e.told.Error() }

// Unwrap returns both errors that it is.
func (e *damagedOutputError) Unwrap() []error { return []error{format.ErrDamaged, e.told} }

func errDamagedOutput(run format.RunKey) error {
	return &damagedOutputError{messages.Errorf(messages.CodeStorageDamaged,
		"the stored output of run %s is damaged, and nothing is given of it from there on; the "+
			"run's record is not touched by that", run)}
}

// Next returns the next piece; io.EOF at the end, which a frame that was being written when the
// agent was killed is too.
func (r *segmentReader) Next() (p piece, err error) {
	var head [frameLead]byte
	if n, err := io.ReadFull(r.in, head[:]); err != nil {
		r.torn = n > 0
		return p, io.EOF
	}
	n, number := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint64(head[4:])
	if n < frameHead+format.SealedTail || n > maxFrame || number < r.frames {
		return p, errDamagedOutput(r.run)
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(r.in, sealed); err != nil {
		r.torn = true
		return p, io.EOF
	}
	p, err = openPiece(r.aead, r.run, r.number, number, sealed)
	r.frames = number + 1
	return p, err
}

// openPiece opens the sealed part of a frame, in place.
func openPiece(aead cipher.AEAD, run format.RunKey, segment int, number uint64,
	sealed []byte) (p piece,
	err error,
) {
	plain, err := aead.Open(sealed[:0], frameNonce(number), sealed, frameAD(run, segment, number))
	if err != nil {
		return p, errDamagedOutput(run)
	}
	return piece{
		sequence: binary.BigEndian.Uint64(plain), offset: int64(binary.BigEndian.Uint64(plain[8:])),
		at:     time.Unix(0, int64(binary.BigEndian.Uint64(plain[16:]))).UTC(),
		stream: messages.Stream(plain[24]), data: plain[frameHead:],
	}, nil
}

func (r *segmentReader) close() error { return r.file.Close() }
