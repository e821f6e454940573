package persistence

import (
	"crypto/hmac"
	"crypto/sha256"
)

// nameKeyBytes is the length of a hidden name: 16 bytes of HMAC-SHA256.
const nameKeyBytes = 16

type nameKey [nameKeyBytes]byte

// What a hidden name is a name of. Jobs, their states, their runs and their run lists share one.
const (
	nameOfJob       = "job"
	nameOfParameter = "parameter"
	nameOfUser      = "user"
	nameOfSetting   = "setting"
)

// hiddenName is a name with what stands for it.
type hiddenName struct {
	what, name string
	key        nameKey
}

// hide is the keyring's. It remembers the last name, since one change asks for the same one again
// and again.
func (r *reader) hide(what, name string) nameKey {
	if h := &r.hidden; h.what != what || h.name != name {
		*h = hiddenName{what, name, r.ring.hide(what, name)}
	}
	return r.hidden.key
}

// hide returns the keyed hash that stands for a name in the file.
func (r *keyring) hide(what, name string) (key nameKey) {
	mac := hmac.New(sha256.New, r.names)
	mac.Write([]byte(what))
	mac.Write([]byte{0})
	mac.Write([]byte(name))
	var sum [sha256.Size]byte
	copy(key[:], mac.Sum(sum[:0]))
	return key
}
