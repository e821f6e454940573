package persistence

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// A run's long output lies in up to five files, its segments: the head of both streams, and for
// each stream two tails that take turns.
const (
	segmentHead  = 0
	segmentTails = 1 // stdout: 1 and 2; stderr: 3 and 4
	segmentCount = 5
)

// A segment begins with a plain header: magic, version of sealing, version of the data key, salt.
// Frames follow: the length of the sealed part (4 bytes), the frame's number (8), and the sealed
// part. Numbers rise from frame to frame; the number is the nonce, and the associated data are run,
// segment and number.
const (
	segmentMagic  = "GUSTYOUT"
	segmentHeader = 8 + 2 + 4 + keyring.SaltBytes
	frameLead     = 4 + 8         // length, number
	frameHead     = 8 + 8 + 8 + 1 // sequence, offset, time in nanoseconds since 1970, stream
	maxFrame      = 1 << 20
)

// piece is a stretch of one stream: what a frame holds.
type piece struct {
	sequence uint64 // in order of arrival, of both streams
	offset   int64  // of its first byte in the stream
	at       time.Time
	stream   messages.Stream
	data     []byte
}

// end is the offset behind the piece.
func (p *piece) end() int64 { return p.offset + int64(len(p.data)) }

// mark is where a piece ends.
type mark struct {
	sequence uint64
	stream   messages.Stream
	offset   int64
}

// segmentPath names a segment by its run's id, which tells nothing but when the run was made.
func segmentPath(dir string, run format.RunKey, number int) string {
	return filepath.Join(dir, run.String()+"."+strconv.Itoa(number))
}

// segment is a file that is being written. Each has a key of its own, so that its nonces can count.
type segment struct {
	file   *os.File
	aead   cipher.AEAD
	run    format.RunKey
	number int
	frames uint64 // the number of the next one
	stored int64  // bytes of output in it
	end    int64  // of the last whole frame, in bytes of the file
	last   mark   // where the last piece ends
}

// segmentKey derives the key of one segment from the data key and the segment's salt.
func segmentKey(ring *keyring.Keyring, version uint32, salt []byte, run format.RunKey,
	number int) (cipher.AEAD,
	error,
) {
	data, ok := ring.Keys.Load().Data[version]
	if !ok {
		return nil, keyring.ErrSeal
	}
	info := append([]byte(keyring.InfoOutput), 0)
	info = append(info, ring.Database[:]...)
	info = append(info, run[:]...)
	info = append(info, byte(number))
	key, err := hkdf.Key(sha256.New, data[:], salt, string(info), keyring.KeyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return keyring.NewAEAD(key)
}

// createSegment begins a segment anew. An older file of the name is unlinked and not cut, so that
// one who reads it goes on reading it.
func createSegment(dir string, ring *keyring.Keyring, run format.RunKey, number int) (*segment,
	error,
) {
	path := segmentPath(dir, run, number)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("begin an output file: %w", err)
	}
	header := make([]byte, segmentHeader)
	copy(header, segmentMagic)
	binary.BigEndian.PutUint16(header[8:], keyring.SealVersion)
	version := ring.Keys.Load().Current
	binary.BigEndian.PutUint32(header[10:], version)
	salt := header[14:]
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("make a salt: %w", err)
	}
	aead, err := segmentKey(ring, version, salt, run, number)
	if err != nil {
		return nil, err
	}
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin an output file: %w", err)
	}
	if _, err := f.Write(header); err != nil {
		return nil,
			errors.Join(fmt.Errorf("begin an output file: %w", err), f.Close(), os.Remove(path))
	}
	return &segment{file: f, aead: aead, run: run, number: number, end: segmentHeader}, nil
}

func frameNonce(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, format.NonceBytes), n)
}

func frameAD(run format.RunKey, number int, n uint64) []byte {
	b := append(make([]byte, 0, 32), run[:]...)
	b = append(b, byte(number))
	return binary.BigEndian.AppendUint64(b, n)
}

// Append adds one piece by one write. A write that fails half-way is cut off again, and its number
// is not used a second time.
func (s *segment) Append(p *piece, buffers *frameBuffers) error {
	sealed := frameHead + len(p.data) + format.SealedTail
	buf := buffers.get(frameLead + sealed)
	defer buffers.Put(buf)
	frame := binary.BigEndian.AppendUint32((*buf)[:0], uint32(sealed))
	frame = binary.BigEndian.AppendUint64(frame, s.frames)
	frame = binary.BigEndian.AppendUint64(frame, p.sequence)
	frame = binary.BigEndian.AppendUint64(frame, uint64(p.offset))
	frame = binary.BigEndian.AppendUint64(frame, uint64(p.at.UnixNano()))
	frame = append(append(frame, byte(p.stream)), p.data...)
	// in place
	frame = s.aead.Seal(frame[:frameLead], frameNonce(s.frames), frame[frameLead:],
		frameAD(s.run, s.number, s.frames))
	s.frames++
	if _, err := s.file.WriteAt(frame, s.end); err != nil {
		return errors.Join(err, s.file.Truncate(s.end))
	}
	s.stored += int64(len(p.data))
	s.end += int64(len(frame))
	s.last = mark{p.sequence, p.stream, p.end()}
	return nil
}
