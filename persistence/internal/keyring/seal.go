package keyring

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"gusty/persistence/internal/format"
)

// SealVersion is the version of how keys, values and output files are sealed, and part of their
// associated data. It is not that of the file: a migration need not seal everything anew.
const SealVersion = 1

var ErrSeal = errors.New("a sealed value does not open")

// Sealer seals and opens values. It belongs to one goroutine; ad and plain are used again from
// value to value.
type Sealer struct {
	Ring    *Keyring
	Sealing uint32 // version of the data key that is to seal; 0: the current one
	Ad      []byte
	Plain   []byte
}

// associate puts together what a value is bound to: version of sealing, database, key version,
// bucket and key.
func (s *Sealer) associate(version uint32, bucket string, key []byte) []byte {
	b := binary.BigEndian.AppendUint16(s.Ad[:0], SealVersion)
	b = append(b, s.Ring.Database[:]...)
	b = binary.BigEndian.AppendUint32(b, version)
	b = append(b, byte(len(bucket)))
	b = append(b, bucket...)
	b = append(b, key...)
	s.Ad = b
	return b
}

// Seal returns the sealed value as a slice of its own, since bbolt keeps it until the commit.
func (s *Sealer) Seal(bucket string, key, plain []byte) ([]byte, error) {
	keys := s.Ring.Keys.Load()
	version := cmp.Or(s.Sealing, keys.Current)
	out := make([]byte, format.SealedHead, format.SealedExtra+len(plain))
	binary.BigEndian.PutUint32(out, version)
	nonce := out[4:format.SealedHead]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	return keys.values[version].Seal(out, nonce, plain, s.associate(version, bucket, key)), nil
}

// Open returns the value, which is valid until the next open.
func (s *Sealer) Open(bucket string, key, sealed []byte) ([]byte, error) {
	if len(sealed) < format.SealedExtra {
		return nil, ErrSeal
	}
	version := binary.BigEndian.Uint32(sealed)
	aead, ok := s.Ring.Keys.Load().values[version]
	if !ok {
		return nil, ErrSeal
	}
	plain, err := aead.Open(s.Plain[:0], sealed[4:format.SealedHead], sealed[format.SealedHead:],
		s.associate(version, bucket, key))
	if err != nil {
		return nil, ErrSeal
	}
	s.Plain = plain
	return plain, nil
}
