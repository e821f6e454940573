package persistence

import "gusty/messages"

// The fields of a user's record: the columns of user_creds, and what Gusty adds.
const (
	userName     = 1
	userHash     = 2
	userScope    = 3 // repeated
	userDisabled = 4
)

func encodeUser(e *encoder, u *messages.User) {
	e.text(userName, u.Name)
	e.text(userHash, u.Hash.Reveal())
	for _, scope := range u.Scopes {
		e.text(userScope, string(scope))
	}
	e.bool(userDisabled, u.Disabled)
}

func decodeUser(record []byte) (u messages.User, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case userName:
			u.Name = d.text()
		case userHash:
			u.Hash = messages.Secret(d.text())
		case userScope:
			u.Scopes = append(u.Scopes, messages.Scope(d.text()))
		case userDisabled:
			u.Disabled = d.bool()
		}
	}
	return u, d.err
}

// checkUser holds the row's expectation; only the hash of a user that exists can be replaced.
func (r *reader) checkUser(row *messages.UserRow) error {
	expect := row.Expect
	if row.OnlyHash && expect == messages.ExpectAny {
		expect = messages.ExpectPresent
	}
	key := r.hide(nameOfUser, row.User.Name)
	return checkExpect(expect, r.has(bucketUsers, key[:]), "user", row.User.Name)
}

func (w *writer) putUser(row *messages.UserRow) error {
	user := row.User
	key := w.hide(nameOfUser, user.Name)
	if row.OnlyHash {
		record, err := w.get(bucketUsers, key[:])
		if err != nil {
			return err
		}
		if user, err = decodeUser(record); err != nil {
			return damagedRow(bucketUsers)
		}
		user.Hash, user.Disabled = row.User.Hash, false
	}
	e := w.fresh()
	encodeUser(e, &user)
	return w.put(bucketUsers, key[:], e.buf)
}
