package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gusty/messages"
)

// Bounds of what is remembered: how many users, and from how many networks each.
const (
	maxCredentials = 1024
	maxNetworks    = 8
)

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
	until time.Time    // from then on it is to be verified again
	from  []netip.Addr // networks that it was verified from, the latest last
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

// acquaintance is how well credentials are known.
type acquaintance struct {
	user  *messages.User // as access has it now; nil: these are none that were verified
	fresh bool           // that was a short while ago
	near  bool           // and from the network that they come from now
}

// find returns how well credentials are known that come from a network.
func (c *credentialCache) find(
	key credentialKey, name string, from netip.Addr, access *messages.Access, now time.Time,
) (known acquaintance) {
	c.mu.RLock()
	entry, ok := c.entries[name]
	c.mu.RUnlock()
	if !ok || !hmac.Equal(entry.key[:], key[:]) {
		return known
	}
	user := access.Users[name]
	if user == nil || user.Disabled || user.Hash != entry.hash {
		return known
	}
	return acquaintance{user, !now.After(entry.until), slices.Contains(entry.from, from)}
}

// store remembers that key was verified against the hash of the user of that name, from a network.
func (c *credentialCache) store(
	key credentialKey, name string, from netip.Addr, hash messages.Secret, now time.Time,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[name]; !ok && len(c.entries) >= maxCredentials {
		c.makeRoom()
	}
	entry := verified{key: key, hash: hash, until: now.Add(c.ttl), from: []netip.Addr{from}}
	if old := c.entries[name]; old.key == key && old.hash == hash {
		entry.from = with(old.from, from)
	}
	c.entries[name] = entry
}

// with returns networks with one more as the latest, without the one that was so longest ago where
// they are too many. The slice that is given stays as it is: others read it.
func with(networks []netip.Addr, latest netip.Addr) []netip.Addr {
	all := append(slices.Clone(networks), latest)
	if at := slices.Index(networks, latest); at >= 0 {
		all = slices.Delete(all, at, at+1)
	}
	return all[max(0, len(all)-maxNetworks):]
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
