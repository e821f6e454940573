package keyring

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	"golang.org/x/crypto/argon2"

	"gusty/messages"
)

// What a new passphrase is stretched with: the second choice of RFC 9106, 4, which suits a host of
// any size.
const (
	stretchMemoryKiB = 64 << 10
	stretchPasses    = 3
	stretchLanes     = 4
)

// The bounds of what a header may ask for, so that an altered one can't take the host's memory or
// an hour.
const (
	MaxStretchMemoryKiB = 1 << 20
	maxStretchPasses    = 16
	maxStretchLanes     = 64
)

// minPassphraseBytes is the least length of a passphrase that is set. One that opens a store may
// have any.
const minPassphraseBytes = 12

// SaltBytes is the length of a salt, of a passphrase and of an output file.
const SaltBytes = 16

const stretchingBytes = 4 + 4 + 1 + SaltBytes

// Stretching is how a key-encryption key is made of a passphrase: argon2id with these parameters.
type Stretching struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
	salt      [SaltBytes]byte
}

func newStretching() (Stretching, error) {
	s := Stretching{MemoryKiB: stretchMemoryKiB, Passes: stretchPasses, Lanes: stretchLanes}
	if _, err := rand.Read(s.salt[:]); err != nil {
		return s, fmt.Errorf("make a salt: %w", err)
	}
	return s, nil
}

func (s *Stretching) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.MemoryKiB)
	b = binary.BigEndian.AppendUint32(b, s.Passes)
	b = append(b, s.Lanes)
	return append(b, s.salt[:]...)
}

func parseStretching(b []byte) (s Stretching) {
	s.MemoryKiB, s.Passes, s.Lanes = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(
		b[4:]), b[8]
	copy(s.salt[:], b[9:])
	return s
}

func (s *Stretching) IsSane() bool {
	return s.Lanes >= 1 && s.Lanes <= maxStretchLanes && s.Passes >= 1 &&
		s.Passes <= maxStretchPasses &&
		s.MemoryKiB >= 8*uint32(s.Lanes) && s.MemoryKiB <= MaxStretchMemoryKiB
}

// Key stretches the passphrase. It takes as much memory as the parameters say, and gives it back to
// the system.
func (s *Stretching) Key(passphrase messages.Secret) Key {
	defer debug.FreeOSMemory()
	return Key(argon2.IDKey([]byte(passphrase.Reveal()), s.salt[:], s.Passes, s.MemoryKiB, s.Lanes,
		KeyBytes))
}
