package persistence

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
	maxStretchMemoryKiB = 1 << 20
	maxStretchPasses    = 16
	maxStretchLanes     = 64
)

// minPassphraseBytes is the least length of a passphrase that is set. One that opens a store may
// have any.
const minPassphraseBytes = 12

// saltBytes is the length of a salt, of a passphrase and of an output file.
const saltBytes = 16

const stretchingBytes = 4 + 4 + 1 + saltBytes

// stretching is how a key-encryption key is made of a passphrase: argon2id with these parameters.
type stretching struct {
	memoryKiB uint32
	passes    uint32
	lanes     uint8
	salt      [saltBytes]byte
}

func newStretching() (stretching, error) {
	s := stretching{memoryKiB: stretchMemoryKiB, passes: stretchPasses, lanes: stretchLanes}
	if _, err := rand.Read(s.salt[:]); err != nil {
		return s, fmt.Errorf("make a salt: %w", err)
	}
	return s, nil
}

func (s *stretching) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.memoryKiB)
	b = binary.BigEndian.AppendUint32(b, s.passes)
	b = append(b, s.lanes)
	return append(b, s.salt[:]...)
}

func parseStretching(b []byte) (s stretching) {
	s.memoryKiB, s.passes, s.lanes = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(
		b[4:]), b[8]
	copy(s.salt[:], b[9:])
	return s
}

func (s *stretching) isSane() bool {
	return s.lanes >= 1 && s.lanes <= maxStretchLanes && s.passes >= 1 &&
		s.passes <= maxStretchPasses &&
		s.memoryKiB >= 8*uint32(s.lanes) && s.memoryKiB <= maxStretchMemoryKiB
}

// key stretches the passphrase. It takes as much memory as the parameters say, and gives it back to
// the system.
func (s *stretching) key(passphrase messages.Secret) Key {
	defer debug.FreeOSMemory()
	return Key(argon2.IDKey([]byte(passphrase.Reveal()), s.salt[:], s.passes, s.memoryKiB, s.lanes,
		keyBytes))
}
