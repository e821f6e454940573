package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// The switch that pauses all firing.

func (a *schedulerActor) onSetFiring(ctx actor.Context, m messages.SetFiring) {
	since := time.Now()
	if m.On == a.firing && !a.since.IsZero() {
		since = a.since // nothing is switched
	}
	value := "on"
	if !m.On {
		value = "off"
	}
	rows := []messages.Row{
		messages.SettingRow{Name: messages.SettingFiring, Value: []byte(value)},
		messages.SettingRow{
			Name:  messages.SettingFiringSince,
			Value: []byte(since.UTC().Format(time.RFC3339Nano)),
		},
	}
	a.system.submit(ctx, messages.Change{
		Origin: m.Origin,
		Rows:   rows,
	}, func(c messages.Committed) any {
		return firingCommitted{on: m.On, at: since, committed: c}
	})
}

func (a *schedulerActor) onFiringCommitted(ctx actor.Context, m firingCommitted) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	if m.committed.TxID > a.loaded && a.firing != m.on {
		a.switchFiring(ctx, m)
	}
	respond(ctx, messages.FiringSet{On: a.firing})
}

func (a *schedulerActor) switchFiring(ctx actor.Context, m firingCommitted) {
	stopped := a.since
	a.firing, a.since = m.on, m.at
	if m.on {
		a.catchUpAll(ctx, time.Now(), gap{
			why:    "all firing was stopped from " + stamp(stopped) + " to " + stamp(m.at),
			madeUp: true,
		})
	} else {
		a.disarm("", whyStopped)
	}
	a.arm(ctx)
	a.count()
}
