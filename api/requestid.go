package api

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// requestID is a UUIDv7 in its usual form (RFC 9562, section 5.7). It is kept as bytes, so that a
// request that needs no string makes none.
type requestID [36]byte

// fill makes the id of a request that began at now. The random bits tell requests apart; they are
// no secret.
func (id *requestID) fill(now time.Time) {
	var u [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 2 {
		u[6+i] = byte(high >> (8 * i))
	}
	for i := range 8 {
		u[8+i] = byte(low >> (8 * i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	id.format(&u)
}

func (id *requestID) format(u *[16]byte) {
	hex.Encode(id[0:8], u[0:4])
	hex.Encode(id[9:13], u[4:6])
	hex.Encode(id[14:18], u[6:8])
	hex.Encode(id[19:23], u[8:10])
	hex.Encode(id[24:36], u[10:16])
	for _, at := range [...]int{8, 13, 18, 23} {
		id[at] = '-'
	}
}

// String returns the id as text.
func (id *requestID) String() string { return string(id[:]) }
