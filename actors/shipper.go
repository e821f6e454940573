package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// What is sent at a time. A batch is a quarter of a megabyte before compression: enough to keep a
// node busy, little enough for what it costs in memory, of which the deletion of its documents is
// the larger part.
const (
	maxFlights   = 2 // with the server; one more may wait for its commit
	maxBatchRows = 5000
	maxBatchSize = 256 << 10
	probeRows    = 100 // of the one batch that finds out whether a cluster is back
)

const (
	// linger is how long documents wait for others when nothing is under way.
	linger = 200 * time.Millisecond
	// slowFlight is how long they wait when something is: it may take its time.
	slowFlight = time.Second
	// tendInterval is how often the outbox is looked after: aged documents, losses.
	tendInterval = time.Minute
	// idleAfter is when connections to a cluster that gets nothing are closed.
	idleAfter = 20 * time.Second
	// flushWithin bounds the last flush when the agent stops.
	flushWithin = 3 * time.Second
)

// shipperActor drains the outbox to OpenSearch. It decides what is sent when; deliveries do the
// work (delivery.go). Documents leave the outbox only when the server's answer has told what became
// of each: arrived ones go, refused ones become dead letters, the others stay and are read again.
// Their ids make a repeat harmless.
type shipperActor struct {
	system *System
	round  uint64 // of this instance: messages of an earlier one's timers are not meant

	config *messages.Config
	client bulkClient // nil: shipping is off, or the configuration is no good
	life   context.Context
	end    context.CancelFunc

	cursor  uint64 // what is read next lies behind it
	rewind  uint64 // where the cursor goes back to when nothing is under way; noRewind: nowhere
	more    bool   // there may be documents behind the cursor
	nudges  uint64
	flights int // deliveries under way, until what they brought is durable
	sending int // of those, not answered yet
	// how often the breaker was opened, or kept open, or paused: what began before the last time
	// does not end that
	trips int
	begun uint64 // deliveries
	// the one of them that reads, by its number; 0: none. The next one needs to know how far
	reader  uint64
	breaker breaker
	holds   map[string]*heldIndex
	probing bool // a delivery looks whether held indices have their shards again
	pace    pace
	alone   int                 // documents in a row that were refused alone
	spare   []*opensearch.Batch // their buffers are kept while there is something to send

	wake   *time.Timer // nil: none runs
	wakeAt time.Time
	tended *time.Timer
	flush  *actor.PID // who waits for the last flush
	last   outcomeOfShipping

	refused refusals
}

const noRewind = ^uint64(0)

// The shipper's private messages.
type (
	outboxGrew   struct{}
	shipDue      struct{ round uint64 }
	tendDue      struct{ round uint64 }
	gatheredUpTo struct {
		client bulkClient
		upTo   uint64
		all    bool
		nudges uint64
	}
	acknowledged struct {
		result    *delivered
		committed messages.Committed
	}
	lookedAfter struct{ standing messages.OutboxStanding }
	flushOutbox struct{}
	flushed     struct{}
)

func (outboxGrew) private()   {}
func (shipDue) private()      {}
func (tendDue) private()      {}
func (gatheredUpTo) private() {}
func (acknowledged) private() {}
func (lookedAfter) private()  {}

func newShipperActor(s *System) *shipperActor {
	return &shipperActor{
		system: s,
		round:  s.rounds.Add(1),
		holds:  map[string]*heldIndex{},
		rewind: noRewind,
	}
}

// Receive takes nudges, the results of deliveries, and requests about dead letters.
func (a *shipperActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.onLeaving()
	case configChanged:
		a.onConfigChanged(ctx, m)
	case outboxGrew:
		a.onOutboxGrew(ctx)
	case shipDue:
		a.onShipDue(ctx, m)
	case gatheredUpTo:
		a.onGathered(ctx, m)
	case delivered:
		a.onDelivered(ctx, m)
	case acknowledged:
		a.onAcknowledged(ctx, m)
	case tendDue:
		a.onTendDue(ctx, m)
	case lookedAfter:
		a.onLookedAfter(m)
	case messages.RetryDead:
		a.settleDead(ctx, m.Origin, messages.DeadRetried{
			ID: m.ID, At: time.Now(), LimitBytes: a.config.Int(messages.ParamOutboxLimitBytes),
		}, m.ID)
	case messages.DeleteDead:
		a.settleDead(ctx, m.Origin, messages.DeadGone{ID: m.ID}, m.ID)
	case deadSettled:
		a.onDeadSettled(ctx, m)
	case flushOutbox:
		a.onFlush(ctx)
	}
}

func (a *shipperActor) onStarted(ctx actor.Context) {
	a.system.grown.heard() // a nudge may have gone to an earlier instance
	a.config = a.system.Config()
	a.connect()
	a.more = true
	a.ship(ctx)
	a.armTend(ctx)
}

func (a *shipperActor) onLeaving() {
	if a.end != nil {
		a.end()
	}
	if a.client != nil {
		a.client.Close()
	}
	for _, t := range []*time.Timer{a.wake, a.tended} {
		if t != nil {
			t.Stop()
		}
	}
	a.endFlush()
}

func (a *shipperActor) onConfigChanged(ctx actor.Context, m configChanged) {
	before := a.config
	a.config = m.config
	if sameCluster(before, m.config) {
		return
	}
	if a.end != nil {
		a.end()
	}
	if a.client != nil {
		a.client.Close()
	}
	a.connect()
	a.more = true
	a.ship(ctx)
}

// connect begins anew with the cluster that the configuration names.
func (a *shipperActor) connect() {
	a.life, a.end = context.WithCancel(context.Background())
	a.cursor, a.rewind, a.flights, a.sending, a.reader, a.probing = 0, noRewind, 0, 0, 0, false
	a.pace, a.alone = fullPace(), 0
	a.breaker, a.holds = breaker{}, map[string]*heldIndex{}
	var err error
	a.client, err = a.system.openCluster(a.config, 0)
	if err != nil {
		a.system.log.Error("shipping is paused: the configuration of OpenSearch cannot be used",
			"actor", nameShipper, "error", err)
		a.last.fail(err.Error(), time.Now())
		a.breaker.misconfigured = err.Error()
	}
	a.publish()
}

func (a *shipperActor) onOutboxGrew(ctx actor.Context) {
	a.system.grown.heard()
	a.nudges++
	a.more = true
	wait := linger
	if a.flights > 0 {
		wait = slowFlight
	}
	if now := time.Now(); now.After(a.breaker.until) {
		a.arm(ctx, now.Add(wait))
	}
}

func (a *shipperActor) onShipDue(ctx actor.Context, m shipDue) {
	if m.round == a.round {
		a.wake = nil
		a.ship(ctx)
	}
}

// arm makes sure that shipping is looked at no later than the given time. An earlier one stands:
// else documents that come one by one would put it off again and again.
func (a *shipperActor) arm(ctx actor.Context, at time.Time) {
	if a.wake != nil {
		if !at.Before(a.wakeAt) {
			return
		}
		a.wake.Stop()
	}
	a.wakeAt = at
	self, root, due := ctx.Self(), a.system.actors.Root, shipDue{a.round}
	a.wake = time.AfterFunc(max(time.Until(at), 0), func() { root.Send(self, due) })
}

// ship begins as many deliveries as may be under way, or arms the timer for when something may be
// tried again.
func (a *shipperActor) ship(ctx actor.Context) {
	now := time.Now()
	if a.client == nil || now.Before(a.breaker.until) {
		a.rest(ctx, now)
		return
	}
	a.retryHeld(ctx, now)
	for a.mayBegin() {
		a.begin(ctx)
	}
	a.rest(ctx, now)
}

// rest arms the timer for the next thing that time alone brings.
func (a *shipperActor) rest(ctx actor.Context, now time.Time) {
	if a.flights > 0 {
		return
	}
	a.endFlush()
	a.forgetHolds()
	a.keepOneSpare()
	next := now.Add(idleAfter)
	switch {
	case a.client == nil:
		return
	case now.Before(a.breaker.until):
		next = a.breaker.until
	case a.nextHold().After(now):
		next = a.nextHold()
	case a.last.idle:
		return
	default:
		if a.wake == nil && now.Sub(a.last.at) >= idleAfter {
			a.client.CloseIdle()
			a.last.idle, a.spare = true, nil
			return
		}
	}
	a.arm(ctx, next)
}

// onFlush sends what waits before the agent stops, as far as that is possible at once.
func (a *shipperActor) onFlush(ctx actor.Context) {
	a.flush = ctx.Sender()
	a.ship(ctx)
}

func (a *shipperActor) endFlush() {
	if a.flush != nil {
		a.system.answer(a.flush, flushed{})
		a.flush = nil
	}
}
