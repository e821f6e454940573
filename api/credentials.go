package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
	"time"

	"gusty/messages"
)

// maxCredentials bounds how many verified credentials are remembered.
const maxCredentials = 256

// credentialKey stands for an Authorization header: its HMAC-SHA256 under a key that dies with the process.
type credentialKey [sha256.Size]byte

// credentialCache remembers which credentials were verified a short while ago. An entry is good only while the user's stored hash is the one it
// was verified against: a changed password ends it at once.
type credentialCache struct {
	ttl  time.Duration
	macs sync.Pool

	mu      sync.RWMutex
	entries map[credentialKey]verified
}

type verified struct {
	name  string
	hash  messages.Secret
	until time.Time
}

func newCredentialCache(ttl time.Duration) (*credentialCache, error) {
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("a random key for the cache of credentials: %w", err)
	}
	c := &credentialCache{ttl: ttl, entries: make(map[credentialKey]verified)}
	c.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return c, nil
}

func (c *credentialCache) key(header []byte) (key credentialKey) {
	mac, ok := c.macs.Get().(hash.Hash)
	if !ok {
		return key // never: the pool makes nothing else
	}
	defer c.macs.Put(mac)
	mac.Reset()
	_, _ = mac.Write(header) // a hash takes everything
	mac.Sum(key[:0])
	return key
}

// find gives the user as access has it now, or nil.
func (c *credentialCache) find(key credentialKey, access *messages.Access, now time.Time) *messages.User {
	c.mu.RLock()
	entry, ok := c.entries[key]
	c.mu.RUnlock()
	if !ok || now.After(entry.until) {
		return nil
	}
	user := access.Users[entry.name]
	if user == nil || user.Disabled || user.Hash != entry.hash {
		return nil
	}
	return user
}

// store remembers that key was verified against user's hash.
func (c *credentialCache) store(key credentialKey, user *messages.User, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCredentials {
		c.makeRoom(now)
	}
	c.entries[key] = verified{name: user.Name, hash: user.Hash, until: now.Add(c.ttl)}
}

// makeRoom drops what has run out, or any one entry where nothing has.
func (c *credentialCache) makeRoom(now time.Time) {
	for key, entry := range c.entries {
		if now.After(entry.until) {
			delete(c.entries, key)
		}
	}
	for key := range c.entries {
		if len(c.entries) < maxCredentials {
			return
		}
		delete(c.entries, key)
	}
}
