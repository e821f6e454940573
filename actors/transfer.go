package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// An import passes through every actor that holds rows in memory: the scheduler submits it, and
// when it is durable makes its jobs true, then the config actor its parameters and the access actor
// its users; that one answers. Each holds what the transaction put, and reads nothing: an instance
// that was loaded later has seen the transaction.

type (
	importCommitted  struct{ committed messages.Committed }
	importParameters struct{ committed messages.Committed }
	importUsers      struct{ committed messages.Committed }
)

func (importCommitted) private()  {}
func (importParameters) private() {}
func (importUsers) private()      {}

// askImport answers what changes nothing from what is stored: a dry run, and an import that a
// refused row keeps out.
func (s *System) askImport(ctx context.Context, m messages.Import) (any, error) {
	if !m.DryRun && (m.Partial || !holdsRefused(m.Items)) {
		return s.request(ctx, nameScheduler, m)
	}
	var result messages.ImportResult
	err := guarded(func() (err error) {
		result, err = s.opt.Store.PlanImport(m.Items)
		return err
	})
	return messages.Imported{Result: result}, err
}

func holdsRefused(items []messages.ImportItem) bool {
	for i := range items {
		if items[i].Outcome == messages.ImportRefused {
			return true
		}
	}
	return false
}

func (a *schedulerActor) onImport(ctx actor.Context, m messages.Import) {
	rows := messages.ImportRows{
		Items:   m.Items,
		Partial: m.Partial,
		At:      time.Now().Truncate(time.Second),
	}
	a.system.submit(ctx, messages.Change{
		Origin: m.Origin,
		Rows:   []messages.Row{rows},
	}, func(c messages.Committed) any {
		return importCommitted{c}
	})
}

func (a *schedulerActor) onImportCommitted(ctx actor.Context, m importCommitted) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	if m.committed.TxID > a.loaded {
		now := time.Now()
		for i := range m.committed.Import.Jobs {
			a.take(&m.committed.Import.Jobs[i], now)
		}
		a.arm(ctx)
		a.count()
	}
	a.system.forward(ctx, nameConfig, importParameters(m))
}

// forward hands a message on to another actor, which answers in its place.
func (s *System) forward(ctx actor.Context, name string, message any) {
	ctx.RequestWithCustomSender(s.member(name).pid.Load(), message, ctx.Sender())
}

func (a *configActor) onImport(ctx actor.Context, m importParameters) {
	if rows := m.committed.Import.Parameters; len(rows) > 0 && m.committed.TxID > a.loaded {
		a.publish(a.config.WithRows(a.nextVersion(), rows))
	}
	a.system.forward(ctx, nameAccess, importUsers(m))
}

func (a *accessActor) onImport(ctx actor.Context, m importUsers) {
	if users := m.committed.Import.Users; len(users) > 0 && m.committed.TxID > a.loaded {
		a.publish(a.access.With(users).Users)
	}
	respond(ctx, messages.Imported{Result: *m.committed.Import})
}
