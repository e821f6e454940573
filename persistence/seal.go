package persistence

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// sealVersion is the version of how keys, values and output files are sealed, and part of their
// associated data. It is not that of the file: a migration need not seal everything anew.
const sealVersion = 1

var errSeal = errors.New("a sealed value does not open")

// sealer seals and opens values. It belongs to one goroutine; ad and plain are used again from
// value to value.
type sealer struct {
	ring    *keyring
	sealing uint32 // version of the data key that is to seal; 0: the current one
	ad      []byte
	plain   []byte
}

// associate puts together what a value is bound to: version of sealing, database, key version,
// bucket and key.
func (s *sealer) associate(version uint32, bucket string, key []byte) []byte {
	b := binary.BigEndian.AppendUint16(s.ad[:0], sealVersion)
	b = append(b, s.ring.database[:]...)
	b = binary.BigEndian.AppendUint32(b, version)
	b = append(b, byte(len(bucket)))
	b = append(b, bucket...)
	b = append(b, key...)
	s.ad = b
	return b
}

// seal returns the sealed value as a slice of its own, since bbolt keeps it until the commit.
func (s *sealer) seal(bucket string, key, plain []byte) ([]byte, error) {
	keys := s.ring.keys.Load()
	version := cmp.Or(s.sealing, keys.current)
	out := make([]byte, sealedHead, sealedExtra+len(plain))
	binary.BigEndian.PutUint32(out, version)
	nonce := out[4:sealedHead]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	return keys.values[version].Seal(out, nonce, plain, s.associate(version, bucket, key)), nil
}

// open returns the value, which is valid until the next open.
func (s *sealer) open(bucket string, key, sealed []byte) ([]byte, error) {
	if len(sealed) < sealedExtra {
		return nil, errSeal
	}
	version := binary.BigEndian.Uint32(sealed)
	aead, ok := s.ring.keys.Load().values[version]
	if !ok {
		return nil, errSeal
	}
	plain, err := aead.Open(s.plain[:0], sealed[4:sealedHead], sealed[sealedHead:],
		s.associate(version, bucket, key))
	if err != nil {
		return nil, errSeal
	}
	s.plain = plain
	return plain, nil
}
