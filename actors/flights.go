package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// The shipper's deliveries under way: when one more may begin, how far it has read,
// and what it brought.

// mayBegin reports whether another delivery may begin: one at a time reads, none while the cursor
// is to go back, one alone while it is not known whether the cluster is there.
func (a *shipperActor) mayBegin() bool {
	if a.flights == 0 && a.rewind != noRewind {
		a.cursor, a.rewind, a.more = min(a.cursor, a.rewind), noRewind, true
	}
	most := maxFlights
	if a.breaker.open() || !a.pace.full() {
		if a.flights > 0 {
			return false
		}
		most = 1
	}
	return a.more && a.reader == 0 && a.rewind == noRewind && a.sending < most && a.flights <= most
}

func (a *shipperActor) begin(ctx actor.Context) {
	self, root, client, nudges := ctx.Self(), a.system.actors.Root, a.client, a.nudges
	a.begun++
	d := &delivery{
		number: a.begun,
		after:  a.cursor, blocked: a.blocked(), maxRows: a.pace.rows, maxBytes: a.pace.bytes,
		maxIndices: a.pace.indices,
		gathered: func(upTo uint64, all bool) {
			root.Send(self, gatheredUpTo{client: client, upTo: upTo, all: all, nudges: nudges})
		},
	}
	if a.breaker.open() {
		d.maxRows = min(d.maxRows, probeRows)
	}
	a.flights++
	a.sending++
	a.reader = d.number
	a.launch(ctx, d)
}

// launch has a delivery carried out beside the actor.
func (a *shipperActor) launch(ctx actor.Context, d *delivery) {
	d.client, d.store, d.batch = a.client, a.system.opt.Store, a.takeBatch()
	d.trips = a.trips
	self, root, life := ctx.Self(), a.system.actors.Root, a.life
	go func() { root.Send(self, d.carryOut(life)) }()
}

func (a *shipperActor) takeBatch() *opensearch.Batch {
	if n := len(a.spare); n > 0 {
		b := a.spare[n-1]
		a.spare = a.spare[:n-1]
		return b
	}
	return opensearch.NewBatch()
}

// keepOneSpare lets go of the batches that only several deliveries at a time need: each has its
// buffers and its compressor.
func (a *shipperActor) keepOneSpare() {
	if len(a.spare) > 1 {
		clear(a.spare[1:])
		a.spare = a.spare[:1]
	}
}

// onGathered learns how far a delivery has read.
func (a *shipperActor) onGathered(ctx actor.Context, m gatheredUpTo) {
	if m.client != a.client {
		return
	}
	a.reader = 0
	a.cursor = m.upTo
	if m.all {
		a.more = m.nudges != a.nudges
	}
	a.ship(ctx)
}

// onDelivered makes durable what the answer told, and draws the conclusions when it is.
func (a *shipperActor) onDelivered(ctx actor.Context, m delivered) {
	if m.client == a.client && !m.probe {
		if m.number == a.reader { // it failed before it had read
			a.reader = 0
		}
		a.sending--
	}
	change := m.change(a.config.Int(messages.ParamOutboxLimitBytes), time.Now())
	if len(change.Rows) == 0 {
		a.onAcknowledged(ctx, acknowledged{result: &m})
		return
	}
	a.system.submit(ctx, change, func(c messages.Committed) any { return acknowledged{&m, c} })
	if m.client == a.client && m.err == nil && !m.crowded() {
		a.ship(ctx)
	}
}

func (a *shipperActor) onAcknowledged(ctx actor.Context, m acknowledged) {
	now, arrived := time.Now(), m.result.arrived()
	if m.committed.Err == nil {
		a.count(arrived, m.result, now)
	}
	if m.result.client != a.client {
		return // of a cluster that is not meant any more
	}
	m.result.batch.Reset()
	a.spare = append(a.spare, m.result.batch)
	if m.result.probe {
		a.concludeProbe(m.result, m.committed.Err, now)
	} else {
		a.flights--
		a.conclude(m.result, m.committed.Err, now)
	}
	if m.result.standing.Loss.Count() > 0 && arrived > 0 && m.committed.Err == nil {
		a.tellLoss(m.result.standing.Loss, now)
	}
	a.publish()
	a.ship(ctx)
}
