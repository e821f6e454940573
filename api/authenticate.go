package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// authenticator tells who asks. What it does, in this order, is what keeps guessing slow and everyone else fast: credentials that were verified
// a short while ago cost one keyed hash; anything else costs a token of three throttles before it may cost a bcrypt hash, of which few run at a
// time. A user that does not exist, one that is disabled and a wrong password take the same way and the same time.
type authenticator struct {
	access   func() *messages.Access
	verified *credentialCache
	throttle *throttle
	hasher   *hasher

	mu     sync.Mutex
	checks map[credentialKey]*check // under way
}

func newAuthenticator(access func() *messages.Access, limits Limits) (*authenticator, error) {
	cache, err := newCredentialCache(limits.CredentialTTL)
	if err != nil {
		return nil, err
	}
	return &authenticator{
		access: access, verified: cache, throttle: newThrottle(limits), hasher: newHasher(limits.Hashes, limits.HashWait),
		checks: make(map[credentialKey]*check),
	}, nil
}

// verify gives the user whose credentials the Authorization header carries. from is the client's address, or the zero one where it is not known.
func (a *authenticator) verify(ctx context.Context, header []byte, from netip.Addr, now time.Time) (*messages.User, error) {
	if len(header) == 0 {
		return nil, unauthenticated()
	}
	access, key := a.access(), a.verified.key(header)
	if user := a.verified.find(key, access, now); user != nil {
		return user, nil
	}
	name, pass, ok := parseBasic(header)
	if !ok {
		return nil, unauthenticated()
	}
	return a.checkOnce(ctx, access, credentials{key: key, name: name, pass: pass, from: network(from)}, now)
}

// check is one verification under way. user and err are set when done is closed.
type check struct {
	done chan struct{}
	user *messages.User
	err  error
}

// checkOnce lets requests that bring the same credentials at the same time share one check: a client that opens 64 connections at once costs one
// hash, and one token.
func (a *authenticator) checkOnce(ctx context.Context, access *messages.Access, c credentials, now time.Time) (*messages.User, error) {
	a.mu.Lock()
	if under := a.checks[c.key]; under != nil {
		a.mu.Unlock()
		<-under.done // the check itself is bounded
		return under.user, under.err
	}
	mine := &check{done: make(chan struct{}), err: messages.Busy("the check of passwords")} // replaced, unless the check panics
	a.checks[c.key] = mine
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.checks, c.key)
		a.mu.Unlock()
		close(mine.done)
	}()
	if user := a.verified.find(c.key, access, now); user != nil { // by a check that ended just before this one began
		mine.user, mine.err = user, nil
	} else {
		mine.user, mine.err = a.check(ctx, access, c, now)
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

// check computes the hash, where the throttles allow it.
func (a *authenticator) check(ctx context.Context, access *messages.Access, c credentials, now time.Time) (*messages.User, error) {
	if wait := a.throttle.take(c.name, c.from, now); wait > 0 {
		return nil, &messages.Error{
			Code: messages.CodeThrottled, Message: "too many failed logins; wait before the next", RetryAfter: wait,
		}
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
	a.throttle.succeeded(c.name, c.from, now)
	a.verified.store(c.key, user, now)
	return user, nil
}

func unauthenticated() *messages.Error {
	return messages.Errorf(messages.CodeUnauthenticated, "valid credentials are needed")
}

// credentialsHold says, for a header alone, whether its credentials are valid; they are then remembered for the request itself.
func (s *Server) credentialsHold(h *fasthttp.RequestHeader) bool {
	_, err := s.auth.verify(s.ctx, h.Peek(fasthttp.HeaderAuthorization), netip.Addr{}, time.Now())
	return err == nil
}

// parseBasic reads the header as RFC 7617 has it: the scheme in any case, base64 of name and password in UTF-8 with a colon between.
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
