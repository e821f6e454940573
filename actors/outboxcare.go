package actors

import (
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// What the shipper does beside sending: it drops what is too old, tells of what was
// lost, and settles dead letters.

// lossNotice is the document that tells of lost ones.
type lossNotice struct {
	applicationLog
	LostDocuments uint64            `json:"lost_documents"`
	LostFrom      string            `json:"lost_from"`
	LostTo        string            `json:"lost_to"`
	LostByClass   map[string]uint64 `json:"lost_by_class"`
}

type deadSettled struct {
	id        string
	committed messages.Committed
}

func (deadSettled) private() {}

// count notes for the state, and for who watches how busy the agent is, that documents arrived, and
// which were refused.
func (a *shipperActor) count(n uint64, r *delivered, now time.Time) {
	a.last.recent.add(n, now)
	a.last.at, a.last.idle = now, false
	if a.system.opt.OnShipped != nil {
		a.system.opt.OnShipped(r.answered)
	}
	a.noteDropped(&r.standing)
	a.noteRefused(r, now)
}

func (a *shipperActor) armTend(ctx actor.Context) {
	self, root, due := ctx.Self(), a.system.actors.Root, tendDue{a.round}
	a.tended = time.AfterFunc(tendInterval, func() { root.Send(self, due) })
}

// onTendDue looks after the outbox, whatever the cluster does.
func (a *shipperActor) onTendDue(ctx actor.Context, m tendDue) {
	if m.round != a.round {
		return
	}
	a.armTend(ctx)
	self, root, store, log := ctx.Self(), a.system.actors.Root, a.system.opt.Store, a.system.log
	go func() {
		err := guarded(func() error {
			standing, err := store.Outbox()
			if err == nil {
				root.Send(self, lookedAfter{standing})
			}
			return err
		})
		if err != nil {
			log.Warn("the outbox could not be looked at", "actor", nameShipper, "error", err)
		}
	}()
}

func (a *shipperActor) onLookedAfter(m lookedAfter) {
	a.noteDropped(&m.standing)
	a.tellRefused(time.Now())
	a.publish()
	oldest := time.Now().Add(
		-time.Duration(a.config.Int(messages.ParamOutboxLimitAgeHours)) * time.Hour)
	if m.standing.OldestAt.IsZero() || m.standing.OldestAt.After(oldest) {
		return
	}
	change := messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   []messages.Row{messages.OutboxAged{Before: oldest}},
	}
	a.system.opt.Store.Submit(change, func(messages.Committed) {}) // the next look does it again
}

// noteDropped logs that documents were dropped since the last look.
func (a *shipperActor) noteDropped(standing *messages.OutboxStanding) {
	before := a.last.standing.Dropped
	if a.last.known && standing.Dropped > before {
		a.system.log.Warn("documents were dropped: the outbox is full or they were too old",
			"actor", nameShipper,
			"dropped", standing.Dropped-before, "waiting", standing.Waiting, "bytes",
			standing.Bytes)
	}
	if standing.Dropped >= before { // else a delivery tells what it saw before a later look
		a.last.standing, a.last.known = *standing, true
	}
}

// tellLoss queues the document that says what was lost. Where more was lost meanwhile the store
// refuses, and the next delivery brings it again. Since notices are never dropped, none is queued
// while its index takes nothing, and none makes room for itself, which would lose more: a full
// outbox would fill with notices of what they drive out.
func (a *shipperActor) tellLoss(lost messages.Loss, now time.Time) {
	index := a.config.Text(messages.ParamApplicationLogIndex)
	if a.holds[messages.ResolveIndex(index, now)] != nil {
		return
	}
	from, to := lost.From.Format(timeFormat), lost.To.Format(timeFormat)
	text := fmt.Sprintf("%d documents were lost because the outbox was full or they were too "+
		"old; they were queued from %s to %s", lost.Count(), from, to)
	notice := lossNotice{
		applicationLog: a.system.logDocument(a.config, "WARN", loggerAgent+"."+nameShipper, text,
			now),
		LostDocuments: lost.Count(), LostFrom: from, LostTo: to, LostByClass: map[string]uint64{},
	}
	for class, n := range lost.ByClass {
		notice.LostByClass[class.String()] = n
	}
	if lost.Dead > 0 {
		notice.LostByClass["dead"] = lost.Dead
	}
	document := newDocument(messages.DocumentNotice, index, now, notice)
	change := messages.Change{Origin: messages.OriginAgent(), Rows: []messages.Row{
		messages.LossTold{
			Count: lost.Count(),
			From:  lost.From,
			To:    lost.To,
		}, messages.DocumentRow{Document: document},
	}}
	a.system.opt.Store.Submit(change, func(messages.Committed) {})
}

// logDocument makes a document of the application log.
func (s *System) logDocument(config *messages.Config, level, logger, message string,
	now time.Time,
) applicationLog {
	endpoint, _ := shippingTo(config)
	return applicationLog{
		AgentID: s.agentID, Endpoint: endpoint, Hostname: s.hostname, Level: level,
		LoggerName: logger,
		Message:    oneLine(strings.ToValidUTF8(message, "\uFFFD")),
		Timestamp:  now.UTC().Format(timeFormat), Labels: labelsOf(config),
	}
}

func (a *shipperActor) settleDead(ctx actor.Context, origin messages.Origin, row messages.Row,
	id string,
) {
	a.system.submit(ctx, messages.Change{
		Origin: origin,
		Rows:   []messages.Row{row},
	}, func(c messages.Committed) any {
		return deadSettled{id: id, committed: c}
	})
}

func (a *shipperActor) onDeadSettled(ctx actor.Context, m deadSettled) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	respond(ctx, messages.DeadSettled{ID: m.id})
}
