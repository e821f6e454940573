package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"gusty/internal/atomicfile"
	"gusty/messages"
	"gusty/persistence"
)

const (
	adminFile     = "admin-password"
	passwordBytes = 18 // 144 bits, 24 characters of base64
)

// firstStart fills an empty store: the agent's id and the first user. A start that was cut off in
// the middle is made up for by the next.
func firstStart(store *persistence.Store, dir string) error {
	var rows []messages.Row
	id, err := store.Setting(messages.SettingAgentID)
	if err != nil {
		return err
	}
	if id == nil {
		rows = append(rows, messages.SettingRow{
			Name:  messages.SettingAgentID,
			Value: []byte(uuid.NewString()),
		})
	}
	users := 0
	if _, err := store.LoadUsers(func(messages.User) error { users++; return nil }); err != nil {
		return err
	}
	if users == 0 {
		admin, err := makeAdmin(dir)
		if err != nil {
			return err
		}
		rows = append(rows, admin)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := commit(store, rows...); err != nil &&
		(users == 0 || !persistence.IsStorageError(err)) {
		return err
	}
	return nil // without an id of its own the agent can serve, and the next start makes one
}

// makeAdmin writes the first user's password file and returns the user's row. The file comes first:
// a user whose password nobody knows is worse than a file without a user.
func makeAdmin(dir string) (messages.Row, error) {
	random := make([]byte, passwordBytes)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make a password: %w", err)
	}
	password := base64.RawURLEncoding.EncodeToString(random)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return nil, fmt.Errorf("hash the password: %w", err)
	}
	line := messages.AdminUser + ":" + password + "\n"
	if err := atomicfile.Write(filepath.Join(dir, adminFile), []byte(line), 0o600); err != nil {
		return nil, fmt.Errorf("write the first user's password: %w", err)
	}
	user := messages.User{
		Name:   messages.AdminUser,
		Hash:   messages.Secret(hash),
		Scopes: messages.AllScopes(),
	}
	return messages.UserRow{User: user, Expect: messages.ExpectAbsent}, nil
}

// commit writes rows and waits until they are durable.
func commit(store *persistence.Store, rows ...messages.Row) error {
	done := make(chan messages.Committed, 1)
	store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   rows,
	}, func(c messages.Committed) {
		done <- c
	})
	return (<-done).Err
}

// removeAdminFile removes the password file once the password in it is not the user's any more.
func removeAdminFile(dir, user string) error {
	if user != messages.AdminUser {
		return nil
	}
	err := atomicfile.Remove(filepath.Join(dir, adminFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
