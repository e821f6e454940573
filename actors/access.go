package actors

import (
	"fmt"
	"maps"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// accessActor owns the users.
type accessActor struct {
	system *System
	loaded uint64
	access *messages.Access
}

type passwordCommitted struct {
	name      string
	hash      messages.Secret
	committed messages.Committed
}

func (passwordCommitted) private() {}

func newAccessActor(s *System) *accessActor { return &accessActor{system: s} }

// Receive takes requests about users.
func (a *accessActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted()
	case messages.SetPassword:
		a.onSetPassword(ctx, m)
	case passwordCommitted:
		a.onCommitted(ctx, m)
	case importUsers:
		a.onImport(ctx, m)
	}
}

func (a *accessActor) onStarted() {
	users := map[string]*messages.User{}
	txID, err := a.system.opt.Store.LoadUsers(func(u messages.User) error {
		users[u.Name] = &u
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("load the users: %w", err))
	}
	a.loaded = txID
	a.publish(users)
}

func (a *accessActor) publish(users map[string]*messages.User) {
	version := uint64(1)
	if before := a.system.Access(); before != nil {
		version = before.Version + 1
	}
	a.access = &messages.Access{Version: version, Users: users}
	a.system.access.Store(a.access)
}

func (a *accessActor) onSetPassword(ctx actor.Context, m messages.SetPassword) {
	user := messages.UserRow{
		User:     messages.User{Name: m.Name, Hash: m.Hash},
		OnlyHash: true,
		Expect:   messages.ExpectPresent,
	}
	change := messages.Change{Origin: m.Origin, Rows: []messages.Row{user}}
	a.system.submit(ctx, change, func(c messages.Committed) any {
		return passwordCommitted{name: m.Name, hash: m.Hash, committed: c}
	})
}

func (a *accessActor) onCommitted(ctx actor.Context, m passwordCommitted) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	if m.committed.TxID > a.loaded {
		a.replaceHash(m.name, m.hash)
	}
	if a.system.opt.OnPassword != nil {
		a.system.opt.OnPassword(m.name)
	}
	respond(ctx, messages.PasswordSet{Name: m.name})
}

func (a *accessActor) replaceHash(name string, hash messages.Secret) {
	users := maps.Clone(a.access.Users)
	user := *users[name]
	user.Hash, user.Disabled = hash, false // as the store does it
	users[name] = &user
	a.publish(users)
}
