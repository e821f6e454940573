package actors

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/hostinfo"
	"gusty/messages"
)

const (
	// roundGrace is how long a sample waits for the slowest collector before it is published
	// without it.
	roundGrace = 500 * time.Millisecond
	// lastSeenInterval is how often the agent notes durably that it is alive, so that a crash can
	// be dated.
	lastSeenInterval = time.Minute
)

// metricActor samples the host on its own clock and serves the last sample. It also queues the
// documents that are made of samples.
type metricActor struct {
	system  *System
	config  *messages.Config
	figures hostinfo.Figures
	sources []source
	// of this instance; the upper half is the instance's own, so that no message of an earlier one
	// fits
	round   uint64
	sample  *messages.Sample
	waiting []*actor.PID // askers that came before the first sample

	life                  context.Context // of this instance: what it has begun ends with it
	end                   context.CancelFunc
	sampling, grace, beat *time.Timer
	seenAt                time.Time
}

// source is a collector with what became of its last round. busy is shared with earlier instances
// of the actor: a call may hang longer than an instance lives, and no second one may begin beside
// it.
type source struct {
	hostinfo.Collector
	busy    *atomic.Bool
	pending bool // asked in this round, and no answer yet
	stale   bool
	done    bool
}

// The metric actor's private messages.
type (
	sampleDue struct{ round uint64 }
	graceOver struct{ round uint64 }
	beatDue   struct{ round uint64 }
	collected struct {
		source int
		round  uint64
		apply  func(*hostinfo.Figures)
		err    error
	}
	heartbeatCommitted struct {
		id        string
		committed messages.Committed
	}
)

func (sampleDue) private()          {}
func (graceOver) private()          {}
func (beatDue) private()            {}
func (collected) private()          {}
func (heartbeatCommitted) private() {}

func newMetricActor(s *System) *metricActor {
	a := &metricActor{system: s, round: s.rounds.Add(1) << 32, figures: s.figures}
	for i, c := range s.opt.Collectors {
		a.sources = append(a.sources, source{Collector: c, busy: &s.collecting[i]})
	}
	return a
}

// Receive takes requests for samples and the results of collectors.
func (a *metricActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.onLeaving()
	case sampleDue:
		a.onSampleDue(ctx, m)
	case collected:
		a.onCollected(m)
	case graceOver:
		a.onGraceOver(m)
	case beatDue:
		a.onBeatDue(ctx, m)
	case configChanged:
		a.onConfigChanged(ctx, m)
	case messages.GetSample:
		a.onGetSample(ctx)
	case messages.SendHeartbeat:
		a.onSendHeartbeat(ctx, m)
	case heartbeatCommitted:
		a.onHeartbeatCommitted(ctx, m)
	}
}

func (a *metricActor) onStarted(ctx actor.Context) {
	a.config = a.system.Config()
	a.life, a.end = context.WithCancel(context.Background())
	a.noteSeen(time.Now())
	a.beginRound(ctx)
	a.armBeat(ctx)
}

func (a *metricActor) onLeaving() {
	if a.end != nil {
		a.end()
	}
	for _, t := range []*time.Timer{a.sampling, a.grace, a.beat} {
		if t != nil {
			t.Stop()
		}
	}
	for _, asker := range a.waiting {
		a.system.answer(asker, messages.Unavailable("the "+nameMetric+" actor"))
	}
	a.waiting = nil
	a.noteSeen(time.Now())
}

// after sends the message to this instance's mailbox later; round tells a later instance that it is
// not meant.
func (a *metricActor) after(ctx actor.Context, d time.Duration, message any) *time.Timer {
	self, root := ctx.Self(), a.system.actors.Root
	return time.AfterFunc(d, func() { root.Send(self, message) })
}

func (a *metricActor) onGetSample(ctx actor.Context) {
	if a.sample == nil && ctx.Sender() != nil {
		a.waiting = append(a.waiting, ctx.Sender())
		return
	}
	respond(ctx, a.sample)
}

func (a *metricActor) onSampleDue(ctx actor.Context, m sampleDue) {
	if m.round != a.round {
		return
	}
	if now := time.Now(); now.Sub(a.seenAt) >= lastSeenInterval {
		a.noteSeen(now)
	}
	a.beginRound(ctx)
}

func (a *metricActor) noteSeen(now time.Time) {
	a.seenAt = now
	row := messages.SettingRow{
		Name:  messages.SettingLastSeen,
		Value: []byte(now.UTC().Format(time.RFC3339Nano)),
	}
	a.system.opt.Store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   []messages.Row{row},
	}, func(c messages.Committed) {
		if c.Err != nil {
			a.system.log.Warn("that the agent is alive was not noted", "actor", nameMetric, "error",
				c.Err)
		}
	})
}

func (a *metricActor) onConfigChanged(ctx actor.Context, m configChanged) {
	before := a.config
	a.config = m.config
	if before.Int(messages.ParamHeartbeatInterval) != m.config.Int(
		messages.ParamHeartbeatInterval) {
		a.beat.Stop()
		a.armBeat(ctx)
	}
	if before.Int(messages.ParamMetricInterval) != m.config.Int(messages.ParamMetricInterval) {
		a.sampling.Stop()
		a.beginRound(ctx)
	}
}
