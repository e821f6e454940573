package persistence

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	bolt "go.etcd.io/bbolt"
)

// formatVersion is the version of everything that doc.go describes. A file of a higher one is
// refused, one of a lower one is migrated.
const formatVersion = 2

const (
	headerMagic  = "GUSTYDB\x00"
	headerKey    = "header"
	headerBytes1 = 8 + 2 + 16 + 8 + 1 + 8 + 4
	headerBytes  = headerBytes1 + stretchingBytes
)

// What a key-encryption key is made of; the number stands in the header.
const (
	kekUnknown    = 0 // stands in no header
	kekFile       = 1 // it is used as it stands in its file or credential
	kekPassphrase = 2 // argon2id of a passphrase
)

// header is the one plain row: what a reader must know before it has a key.
type header struct {
	format     uint16
	database   [16]byte // random, of this database; part of all associated data
	madeAt     time.Time
	kekKind    byte
	kekMark    [8]byte    // tells a wrong key from a damaged file
	stretching stretching // all zero but for a passphrase
}

// newHeader makes a header for a new database. Its mark is set by wrapWith.
func newHeader(kind byte, now time.Time) (header, error) {
	h := header{format: formatVersion, madeAt: now.UTC().Truncate(time.Millisecond)}
	if _, err := rand.Read(h.database[:]); err != nil {
		return h, fmt.Errorf("make a database id: %w", err)
	}
	return h, h.setKind(kind)
}

// setKind notes what the key-encryption key is made of, with a new salt where it is a passphrase.
func (h *header) setKind(kind byte) (err error) {
	h.kekKind, h.stretching = kind, stretching{}
	if kind == kekPassphrase {
		h.stretching, err = newStretching()
	}
	return err
}

// wrapWith notes which key-encryption key the keys are wrapped with.
func (h *header) wrapWith(kek Key) { h.kekMark = kekMark(kek, h.database) }

func (h *header) marshal() []byte {
	b := make([]byte, 0, headerBytes)
	b = append(b, headerMagic...)
	b = binary.BigEndian.AppendUint16(b, h.format)
	b = append(b, h.database[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.madeAt.UnixMilli()))
	b = append(b, h.kekKind)
	b = append(b, h.kekMark[:]...)
	if h.format > 1 {
		b = h.stretching.append(b)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var errHeaderForm = errors.New("its header is of no known form")

// parseHeader reads a header of this format or an earlier one; of a newer one only magic, format
// and the checksum at its end are known.
func parseHeader(b []byte) (h header, err error) {
	if len(b) < len(headerMagic)+2+4 || string(b[:len(headerMagic)]) != headerMagic {
		return h, ErrForeign
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return h, errors.New("its header is altered")
	}
	h.format = binary.BigEndian.Uint16(b[8:])
	if h.format > formatVersion {
		return h, ErrNewerFormat
	}
	if h.format == 1 && len(b) != headerBytes1 || h.format == 2 && len(b) != headerBytes ||
		h.format == 0 {
		return h, errHeaderForm
	}
	copy(h.database[:], b[10:26])
	h.madeAt = time.UnixMilli(int64(binary.BigEndian.Uint64(b[26:]))).UTC()
	h.kekKind = b[34]
	copy(h.kekMark[:], b[35:43])
	if h.format > 1 {
		h.stretching = parseStretching(b[43:])
	}
	return h, h.checkKind()
}

func (h *header) checkKind() error {
	known := h.kekKind == kekFile && h.stretching == (stretching{}) || h.kekKind == kekPassphrase &&
		h.stretching.isSane()
	if !known {
		return errHeaderForm
	}
	return nil
}

// readHeader returns the header of an open file; ErrForeign where it has none.
func readHeader(tx *bolt.Tx) (header, error) {
	meta := tx.Bucket([]byte(nameMeta))
	if meta == nil {
		return header{}, ErrForeign
	}
	return parseHeader(meta.Get([]byte(headerKey)))
}

// checkKEK reports whether kek is the key that the header was made or re-wrapped with.
func (h *header) checkKEK(kek Key) bool {
	mark := kekMark(kek, h.database)
	return hmac.Equal(mark[:], h.kekMark[:])
}
