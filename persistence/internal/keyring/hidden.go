package keyring

import (
	"crypto/hmac"
	"crypto/sha256"

	"gusty/persistence/internal/format"
)

// What a hidden name is a name of. Jobs, their states, their runs and their run lists share one.
const (
	NameOfJob       = "job"
	NameOfParameter = "parameter"
	NameOfUser      = "user"
	NameOfSetting   = "setting"
)

// Hide returns the keyed hash that stands for a name in the file.
func (r *Keyring) Hide(what, name string) (key format.NameKey) {
	mac := hmac.New(sha256.New, r.names)
	mac.Write([]byte(what))
	mac.Write([]byte{0})
	mac.Write([]byte(name))
	var sum [sha256.Size]byte
	copy(key[:], mac.Sum(sum[:0]))
	return key
}
