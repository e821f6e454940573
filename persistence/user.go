package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// The fields of a user's record: the columns of user_creds, and what Gusty adds.
const (
	userName     = 1
	userHash     = 2
	userScope    = 3 // repeated
	userDisabled = 4
)

func encodeUser(e *format.Encoder, u *messages.User) {
	e.Text(userName, u.Name)
	e.Text(userHash, u.Hash.Reveal())
	for _, scope := range u.Scopes {
		e.Text(userScope, string(scope))
	}
	e.Bool(userDisabled, u.Disabled)
}

func decodeUser(record []byte) (u messages.User, err error) {
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case userName:
			u.Name = d.Text()
		case userHash:
			u.Hash = messages.Secret(d.Text())
		case userScope:
			u.Scopes = append(u.Scopes, messages.Scope(d.Text()))
		case userDisabled:
			u.Disabled = d.Bool()
		}
	}
	return u, d.Err
}

// checkUser holds the row's expectation; only the hash of a user that exists can be replaced.
func (r *reader) checkUser(row *messages.UserRow) error {
	expect := row.Expect
	if row.OnlyHash && expect == messages.ExpectAny {
		expect = messages.ExpectPresent
	}
	key := r.Hide(keyring.NameOfUser, row.User.Name)
	return checkExpect(expect, r.has(format.BucketUsers, key[:]), "user", row.User.Name)
}

func (w *writer) putUser(row *messages.UserRow) error {
	user := row.User
	key := w.Hide(keyring.NameOfUser, user.Name)
	if row.OnlyHash {
		record, err := w.get(format.BucketUsers, key[:])
		if err != nil {
			return err
		}
		if user, err = decodeUser(record); err != nil {
			return format.DamagedRow(format.BucketUsers)
		}
		user.Hash, user.Disabled = row.User.Hash, false
	}
	e := w.fresh()
	encodeUser(e, &user)
	return w.Put(format.BucketUsers, key[:], e.Buf)
}
