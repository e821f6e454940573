package keyring

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
)

// FormatVersion is the version of everything that doc.go describes. A file of a higher one is
// refused, one of a lower one is migrated.
const FormatVersion = 2

const (
	HeaderMagic  = "GUSTYDB\x00"
	HeaderKey    = "header"
	headerBytes1 = 8 + 2 + 16 + 8 + 1 + 8 + 4
	headerBytes  = headerBytes1 + stretchingBytes
)

// What a key-encryption key is made of; the number stands in the header.
const (
	KekUnknown    = 0 // stands in no header
	KekFile       = 1 // it is used as it stands in its file or credential
	KekPassphrase = 2 // argon2id of a passphrase
)

// Header is the one plain row: what a reader must know before it has a key.
type Header struct {
	Format     uint16
	Database   [16]byte // random, of this database; part of all associated data
	madeAt     time.Time
	KekKind    byte
	kekMark    [8]byte    // tells a wrong key from a damaged file
	Stretching Stretching // all zero but for a passphrase
}

// NewHeader makes a header for a new database. Its mark is set by WrapWith.
func NewHeader(kind byte, now time.Time) (Header, error) {
	h := Header{Format: FormatVersion, madeAt: now.UTC().Truncate(time.Millisecond)}
	if _, err := rand.Read(h.Database[:]); err != nil {
		return h, fmt.Errorf("make a database id: %w", err)
	}
	return h, h.SetKind(kind)
}

// SetKind notes what the key-encryption key is made of, with a new salt where it is a passphrase.
func (h *Header) SetKind(kind byte) (err error) {
	h.KekKind, h.Stretching = kind, Stretching{}
	if kind == KekPassphrase {
		h.Stretching, err = newStretching()
	}
	return err
}

// WrapWith notes which key-encryption key the keys are wrapped with.
func (h *Header) WrapWith(kek Key) { h.kekMark = kekMark(kek, h.Database) }

func (h *Header) Marshal() []byte {
	b := make([]byte, 0, headerBytes)
	b = append(b, HeaderMagic...)
	b = binary.BigEndian.AppendUint16(b, h.Format)
	b = append(b, h.Database[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.madeAt.UnixMilli()))
	b = append(b, h.KekKind)
	b = append(b, h.kekMark[:]...)
	if h.Format > 1 {
		b = h.Stretching.Append(b)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var ErrHeaderForm = errors.New("its header is of no known form")

// ParseHeader reads a header of this format or an earlier one; of a newer one only magic, format
// and the checksum at its end are known.
func ParseHeader(b []byte) (h Header, err error) {
	if len(b) < len(HeaderMagic)+2+4 || string(b[:len(HeaderMagic)]) != HeaderMagic {
		return h, boltfile.ErrForeign
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return h, errors.New("its header is altered")
	}
	h.Format = binary.BigEndian.Uint16(b[8:])
	if h.Format > FormatVersion {
		return h, format.ErrNewerFormat
	}
	if h.Format == 1 && len(b) != headerBytes1 || h.Format == 2 && len(b) != headerBytes ||
		h.Format == 0 {
		return h, ErrHeaderForm
	}
	copy(h.Database[:], b[10:26])
	h.madeAt = time.UnixMilli(int64(binary.BigEndian.Uint64(b[26:]))).UTC()
	h.KekKind = b[34]
	copy(h.kekMark[:], b[35:43])
	if h.Format > 1 {
		h.Stretching = parseStretching(b[43:])
	}
	return h, h.checkKind()
}

func (h *Header) checkKind() error {
	known := h.KekKind == KekFile && h.Stretching == (Stretching{}) || h.KekKind == KekPassphrase &&
		h.Stretching.IsSane()
	if !known {
		return ErrHeaderForm
	}
	return nil
}

// ReadHeader returns the header of an open file; ErrForeign where it has none.
func ReadHeader(tx *bolt.Tx) (Header, error) {
	meta := tx.Bucket([]byte(format.NameMeta))
	if meta == nil {
		return Header{}, boltfile.ErrForeign
	}
	return ParseHeader(meta.Get([]byte(HeaderKey)))
}

// CheckKEK reports whether kek is the key that the header was made or re-wrapped with.
func (h *Header) CheckKEK(kek Key) bool {
	mark := kekMark(kek, h.Database)
	return hmac.Equal(mark[:], h.kekMark[:])
}
