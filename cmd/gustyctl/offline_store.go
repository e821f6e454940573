package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/crypto/bcrypt"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/atomicfile"
	"gusty/messages"
	"gusty/persistence"
)

// storePassword sets a user's password in the store of a stopped agent. The store's own lock keeps
// a running agent out of it.
func storePassword(o persistence.Options, name string, secret messages.Secret) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret.Reveal()), bcrypt.DefaultCost)
	if err != nil {
		return exit.Failedf("cannot hash the password: %w", err)
	}
	store, err := openStore(o)
	if err != nil {
		return err
	}
	err = commit(store, messages.Change{
		Origin: messages.Origin{Principal: "host"},
		Rows: []messages.Row{messages.UserRow{
			User: messages.User{
				Name: name,
				Hash: messages.Secret(hash),
			}, OnlyHash: true, Expect: messages.ExpectPresent,
		}},
	})
	if closing := store.Close(); err == nil && closing != nil {
		err = exit.Failedf("cannot close the store: %w", closing)
	}
	if messages.CodeOf(err) == messages.CodeNotFound {
		return exit.Failedf("the agent has no user %q; nothing was changed", name)
	}
	if err != nil {
		return err
	}
	return dataDir(o.Dir).removeFirstCredentials(name)
}

// openStore opens a store that exists: opening an empty directory would make a new one.
func openStore(o persistence.Options) (*persistence.Store, error) {
	dir := dataDir(o.Dir)
	if _, err := os.Stat(dir.databaseFile()); err != nil {
		return nil,
			exit.Usagef("%s is not the data directory of an agent: %w; name it with --data-dir",
				dir,
				err)
	}
	store, err := persistence.Open(o)
	if held, ok := errors.AsType[*persistence.InUseError](err); ok {
		return nil, inUse(dir, held.PID)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, exit.Failedf("the store of %s is closed to this user; run as the agent's user "+
			"(sudo)", dir)
	}
	if err != nil {
		return nil, exit.Failedf("cannot open the store of %s: %w", dir, err)
	}
	return store, nil
}

// inUse says who holds the store; pid is 0 where that could not be told.
func inUse(dir dataDir, pid int) error {
	return exit.Failedf(
		"the store of %s is held by %s, the running agent; stop it first (systemctl "+
			"stop gusty, or gustyctl shutdown), or ask it: "+
			"leave out --offline", dir, holder(pid))
}

func holder(pid int) string {
	if pid == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

// commit waits until the change is durable.
func commit(store *persistence.Store, change messages.Change) error {
	done := make(chan messages.Committed, 1)
	store.Submit(change, func(c messages.Committed) { done <- c })
	if c := <-done; c.Err != nil {
		return exit.Failedf("the store did not take the change: %w", c.Err)
	}
	return nil
}

// removeFirstCredentials removes admin-password where it holds this user's password, which is no
// longer the one.
func (d dataDir) removeFirstCredentials(name string) error {
	user, _, err := d.firstCredentials()
	if err == nil && user == name {
		err = atomicfile.Remove(d.passwordFile())
	}
	if err != nil {
		return exit.Failedf(
			"the password is changed, but the file with the old one is still there: %w; remove it",
			err)
	}
	return nil
}
