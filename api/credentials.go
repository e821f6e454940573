package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"gusty/messages"
)

// maxCredentials bounds how many users are remembered.
const maxCredentials = 1024

// credentialKey stands for a user's name and password: their HMAC-SHA256 under a key that dies with
// the process.
type credentialKey [sha256.Size]byte

// credentialCache remembers the credentials that were verified, one password a user: nobody without
// a valid account has a place in it, and nobody with one has more than one, however a header is
// written. An entry is good only while the user's stored hash is the one it was verified against: a
// changed password ends it at once.
type credentialCache struct {
	ttl  time.Duration
	macs sync.Pool

	mu      sync.RWMutex
	entries map[string]verified // by the user's name
}

type verified struct {
	key   credentialKey
	hash  messages.Secret
	until time.Time // from then on it is to be verified again
}

func newCredentialCache(ttl time.Duration) (*credentialCache, error) {
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("a random key for the cache of credentials: %w", err)
	}
	c := &credentialCache{ttl: ttl, entries: make(map[string]verified)}
	c.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return c, nil
}

// key returns the key of a name, which has no colon, and a password.
func (c *credentialCache) key(name string, pass []byte) (key credentialKey) {
	mac, ok := c.macs.Get().(hash.Hash)
	if !ok {
		return key // never: the pool makes nothing else
	}
	defer c.macs.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, name) // a hash takes everything
	_, _ = mac.Write([]byte{':'})
	_, _ = mac.Write(pass)
	mac.Sum(key[:0])
	return key
}

// find returns the user as access has it now, or nil where these are no credentials that were
// verified. They are fresh where that was a short while ago.
func (c *credentialCache) find(
	key credentialKey, name string, access *messages.Access, now time.Time,
) (user *messages.User, fresh bool) {
	c.mu.RLock()
	entry, ok := c.entries[name]
	c.mu.RUnlock()
	if !ok || !hmac.Equal(entry.key[:], key[:]) {
		return nil, false
	}
	user = access.Users[name]
	if user == nil || user.Disabled || user.Hash != entry.hash {
		return nil, false
	}
	return user, !now.After(entry.until)
}

// store remembers that key was verified against the hash of the user of that name.
func (c *credentialCache) store(
	key credentialKey, name string, hash messages.Secret, now time.Time,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[name]; !ok && len(c.entries) >= maxCredentials {
		c.makeRoom()
	}
	c.entries[name] = verified{key: key, hash: hash, until: now.Add(c.ttl)}
}

// makeRoom drops the user who was verified the longest while ago.
func (c *credentialCache) makeRoom() {
	oldest, found := "", false
	for name, entry := range c.entries {
		if !found || entry.until.Before(c.entries[oldest].until) {
			oldest, found = name, true
		}
	}
	delete(c.entries, oldest)
}
