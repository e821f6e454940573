package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/netip"
	"sync"
	"time"

	"gusty/messages"
)

// authenticator tells who asks. What it does, in this order, is what keeps guessing slow and
// everyone else fast: credentials that were verified a short while ago, from the same network, cost
// one keyed hash; those that were verified longer ago cost a bcrypt hash, for which they have a
// place of their own; anything else costs a token of three throttles before it may cost a bcrypt
// hash, of which few run at a time. So a user who is known at a network pays for no stranger's
// guesses, also where the stranger has the same address. A user that does not exist, one that is
// disabled and a wrong password take the same way and the same time. What is throttled tells
// nothing of the password, but to who guesses from a network at which the user is known.
type authenticator struct {
	access   func() *messages.Access
	verified *credentialCache
	throttle *throttle
	hasher   *hasher
	returned *hasher // for the credentials of those who are known

	mu     sync.Mutex
	checks map[checkKey]*check // under way
}

func newAuthenticator(access func() *messages.Access, limits Limits) (*authenticator, error) {
	cache, err := newCredentialCache(limits.CredentialTTL)
	if err != nil {
		return nil, err
	}
	return &authenticator{
		access: access, verified: cache, throttle: newThrottle(limits),
		hasher:   newHasher(limits.Hashes, limits.HashWait),
		returned: newHasher(1, limits.HashWait),
		checks:   make(map[checkKey]*check),
	}, nil
}

// verify returns the user whose credentials the Authorization header carries. from is the client's
// address.
func (a *authenticator) verify(ctx context.Context, header []byte, from netip.Addr,
	now time.Time,
) (*messages.User, error) {
	if len(header) == 0 {
		return nil, unauthenticated()
	}
	name, pass, ok := parseBasic(header)
	if !ok {
		return nil, unauthenticated()
	}
	c := credentials{key: a.verified.key(name, pass), name: name, pass: pass, from: network(from)}
	access := a.access()
	known := a.verified.find(c.key, name, c.from, access, now)
	if known.fresh && known.near {
		return known.user, nil
	}
	return a.checkOnce(ctx, access, c, now)
}

// checkKey is what a check is of: credentials from one network.
type checkKey struct {
	credentials credentialKey
	from        netip.Addr
}

// check is one verification under way. user and err are set when done is closed.
type check struct {
	done chan struct{}
	user *messages.User
	err  error
}

// checkOnce lets requests that bring the same credentials at the same time share one check: a
// client that opens 64 connections at once costs one hash, and one token.
func (a *authenticator) checkOnce(ctx context.Context, access *messages.Access, c credentials,
	now time.Time,
) (*messages.User, error) {
	a.mu.Lock()
	of := checkKey{c.key, c.from}
	if under := a.checks[of]; under != nil {
		a.mu.Unlock()
		<-under.done // the check itself is bounded
		return under.user, under.err
	}
	// replaced, unless the check panics
	mine := &check{done: make(chan struct{}), err: messages.Busy("the check of passwords")}
	a.checks[of] = mine
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.checks, of)
		a.mu.Unlock()
		close(mine.done)
	}()
	switch known := a.verified.find(c.key, c.name, c.from, access, now); {
	case known.near && known.fresh: // by a check that ended just before this one began
		mine.user, mine.err = known.user, nil
	case known.near:
		mine.user, mine.err = a.recheck(ctx, known.user, c, now)
	default:
		mine.user, mine.err = a.check(ctx, access, c, known, now)
	}
	return mine.user, mine.err
}

// credentials are what one request brought.
type credentials struct {
	key  credentialKey
	name string
	pass []byte
	from netip.Addr
}

// check computes the hash, where the throttles allow it. Credentials that are known from other
// networks need none, but they must get past the throttles as all do: else their refusal would tell
// guesses from the password.
func (a *authenticator) check(ctx context.Context, access *messages.Access, c credentials,
	known acquaintance, now time.Time,
) (*messages.User, error) {
	if wait := a.throttle.take(c.name, c.from, now); wait > 0 {
		return nil, &messages.Error{
			Code: messages.CodeThrottled, Message: "too many failed logins; wait before the next",
			RetryAfter: wait,
		}
	}
	if known.fresh {
		a.throttle.giveBack(c.name, c.from, now)
		a.verified.store(c.key, c.name, c.from, known.user.Hash, now)
		return known.user, nil
	}
	user := access.Users[c.name]
	if user != nil && user.Disabled {
		user = nil
	}
	holds, err := a.hasher.compare(ctx, hashOf(user, access), c.pass)
	if err != nil {
		a.throttle.giveBack(c.name, c.from, now) // nothing was found out
		return nil, err
	}
	if !holds || user == nil {
		return nil, unauthenticated()
	}
	a.throttle.giveBack(c.name, c.from, now)
	a.verified.store(c.key, user.Name, c.from, user.Hash, now)
	return user, nil
}

// recheck is check for credentials that were verified before, against the same stored hash: those
// are no guess.
func (a *authenticator) recheck(
	ctx context.Context, user *messages.User, c credentials, now time.Time,
) (*messages.User, error) {
	holds, err := a.returned.compare(ctx, []byte(user.Hash.Reveal()), c.pass)
	if err != nil {
		return nil, err
	}
	if !holds {
		return nil, unauthenticated()
	}
	a.verified.store(c.key, user.Name, c.from, user.Hash, now)
	return user, nil
}

// remember makes a new password known at the address that it came from, so that its user does not
// begin as a stranger there.
func (a *authenticator) remember(
	name, pass string, from netip.Addr, hash messages.Secret, now time.Time,
) {
	a.verified.store(a.verified.key(name, []byte(pass)), name, network(from), hash, now)
}

func unauthenticated() *messages.Error {
	return messages.Errorf(messages.CodeUnauthenticated, "valid credentials are needed")
}

// parseBasic reads the header as RFC 7617 has it: the scheme in any case, base64 of name and
// password in UTF-8 with a colon between.
func parseBasic(header []byte) (name string, pass []byte, ok bool) {
	scheme, encoded, found := bytes.Cut(header, []byte{' '})
	if !found || !bytes.EqualFold(scheme, []byte("Basic")) {
		return "", nil, false
	}
	decoded, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(encoded))
	if err != nil {
		return "", nil, false
	}
	before, after, found := bytes.Cut(decoded, []byte{':'})
	if !found || len(before) == 0 || len(before) > 255 {
		return "", nil, false
	}
	return string(before), after, true
}
