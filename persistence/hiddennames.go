package persistence

import (
	"crypto/hmac"
	"crypto/sha256"
)

// What a hidden name is a name of. Jobs, their states, their runs and their run lists share one.
const (
	nameOfJob       = "job"
	nameOfParameter = "parameter"
	nameOfUser      = "user"
	nameOfSetting   = "setting"
)

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
