package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
)

// hashCost is the bcrypt cost of new passwords: about 70 ms of one core.
const hashCost = 10

// hasher computes bcrypt hashes on the goroutine of the request, a few at a time: they are made to
// be slow, and the machine has other work.
type hasher struct{ *gate }

func newHasher(atOnce int, wait time.Duration) *hasher {
	return &hasher{newGate(atOnce, wait, "the check of passwords")}
}

// compare reports whether pass is the password of hash. The error says that there was no room in
// time.
func (h *hasher) compare(ctx context.Context, hash []byte, pass []byte) (holds bool, err error) {
	release, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if len(pass) > messages.MaxPasswordBytes {
		// bcrypt would look at the first 72 bytes only; spend the time, and refuse
		_ = bcrypt.CompareHashAndPassword(hash, pass[:messages.MaxPasswordBytes])
		return false, nil
	}
	err = bcrypt.CompareHashAndPassword(hash, pass)
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		// a stored hash that is none: take the time of one
		_ = bcrypt.CompareHashAndPassword(dummyHash(hashCost), pass)
	}
	return err == nil, nil
}

// hash makes the hash of a new password.
func (h *hasher) hash(ctx context.Context, pass string) (messages.Secret, error) {
	release, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	hash, err := bcrypt.GenerateFromPassword([]byte(pass), hashCost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return messages.Secret(hash), nil
}

// hashOf returns what the password of user is compared with. Without a user it is a hash that no
// password has, as costly as the costliest of those that are stored, so that time does not tell
// which names exist.
func hashOf(user *messages.User, access *messages.Access) []byte {
	if user != nil {
		return []byte(user.Hash.Reveal())
	}
	cost := 0
	for _, u := range access.Users {
		if c, err := bcrypt.Cost([]byte(u.Hash.Reveal())); err == nil {
			cost = max(cost, c)
		}
	}
	if cost == 0 {
		cost = hashCost
	}
	return dummyHash(cost)
}

// dummyHash is well-formed and of the given cost; its salt and digest are constants that belong to
// no known password.
func dummyHash(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$N9qo8uLOickgx2ZMRZoMye7Q1zQ0kS5bQ2xj0nBqYl1tT3rVb6d.O", cost)
}
