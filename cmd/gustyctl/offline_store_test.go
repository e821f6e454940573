package main

import (
	"errors"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
	"gusty/persistence"
)

// newStore makes the data directory of a stopped agent with the user Admin: newstore DIR [open].
// With open, a process (this one) holds it.
func newStore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: newstore DIR [open]")
	}
	dir := dataDir(ts.MkAbs(args[0]))
	store, err := persistence.Open(persistence.Options{Dir: string(dir)})
	ts.Check(err)
	ts.Check(commit(store, messages.Change{Rows: []messages.Row{messages.UserRow{
		User: messages.User{
			Name:   "Admin",
			Hash:   "lost",
			Scopes: messages.AllScopes(),
		}, Expect: messages.ExpectAbsent,
	}}}))
	ts.Check(os.WriteFile(dir.passwordFile(), []byte("Admin:lost\n"), 0o600))
	if len(args) == 1 {
		ts.Check(store.Close())
		return
	}
	ts.Defer(func() { _ = store.Close() })
}

// opens checks that a password is the user's, and that the user's scopes stayed: opens DIR USER
// PASSWORD.
func opens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: opens DIR USER PASSWORD")
	}
	store, err := persistence.Open(persistence.Options{Dir: ts.MkAbs(args[0])})
	ts.Check(err)
	defer func() { ts.Check(store.Close()) }()
	found := errors.New("there is no such user")
	_, err = store.LoadUsers(func(u messages.User) error {
		if u.Name == args[1] && u.Has(messages.ScopeStore) {
			found = bcrypt.CompareHashAndPassword([]byte(u.Hash.Reveal()), []byte(args[2]))
		}
		return nil
	})
	ts.Check(errors.Join(err, found))
}
