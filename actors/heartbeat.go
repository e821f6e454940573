package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// The documents that are made of samples: one on the agent's own clock, one for
// each heartbeat that a client sends.

func (a *metricActor) armBeat(ctx actor.Context) {
	a.beat = a.after(ctx, a.config.Seconds(messages.ParamHeartbeatInterval), beatDue{a.round >> 32})
}

func (a *metricActor) onBeatDue(ctx actor.Context, m beatDue) {
	if m.round != a.round>>32 {
		return
	}
	a.armBeat(ctx)
	if _, wanted := shippingTo(a.config); !wanted || a.sample == nil {
		return
	}
	a.submitDocument(a.system.health(a.config, a.sample, "", time.Now()),
		func(c messages.Committed) {
			if c.Err != nil {
				a.system.log.Warn("the health document was not queued", "actor", nameMetric,
					"error",
					c.Err)
			}
		}, messages.OriginAgent())
}

func (a *metricActor) submitDocument(d messages.Document, done func(messages.Committed),
	origin messages.Origin,
) {
	a.system.opt.Store.Submit(messages.Change{
		Origin: origin,
		Rows:   []messages.Row{documentRow(a.config, d)},
	}, done)
}

func (a *metricActor) onSendHeartbeat(ctx actor.Context, m messages.SendHeartbeat) {
	if _, wanted := shippingTo(a.config); !wanted {
		respond(ctx, messages.HeartbeatQueued{ID: m.ID})
		return
	}
	if a.sample == nil {
		respond(ctx, &messages.Error{
			Code:       messages.CodeBusy,
			Message:    "the host has not been sampled yet",
			RetryAfter: time.Second,
		})
		return
	}
	row := documentRow(a.config, a.system.health(a.config, a.sample, m.ID, time.Now()))
	a.system.submit(ctx, messages.Change{
		Origin: m.Origin,
		Rows:   []messages.Row{row},
	}, func(c messages.Committed) any {
		return heartbeatCommitted{id: m.ID, committed: c}
	})
}

func (a *metricActor) onHeartbeatCommitted(ctx actor.Context, m heartbeatCommitted) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	respond(ctx, messages.HeartbeatQueued{ID: m.id, Queued: true})
}
