package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// How a job stands, and what pauses it: its own pause, and its quarantine.

func (a *schedulerActor) onGetJobState(ctx actor.Context, m messages.GetJobState) {
	e, ok := a.agenda.jobs[m.Name]
	if !ok {
		respond(ctx, noSuchJob(m.Name))
		return
	}
	respond(ctx, a.standing(e))
}

func (a *schedulerActor) standing(e *jobEntry) messages.JobStanding {
	return messages.JobStanding{
		Name:    e.name,
		Next:    e.nextDue(),
		State:   e.state(),
		Enabled: e.enabled,
		Firing:  a.firing,
	}
}

func noSuchJob(name string) *messages.Error {
	return &messages.Error{
		Code:    messages.CodeNotFound,
		Field:   "script_name",
		Message: "there is no job named " + quoted(name),
	}
}

func (a *schedulerActor) onSetJobPaused(ctx actor.Context, m messages.SetJobPaused) {
	e, ok := a.agenda.jobs[m.Name]
	if !ok {
		respond(ctx, noSuchJob(m.Name))
		return
	}
	state := e.state()
	resumed := !m.Paused && (e.paused || e.quarantined)
	state.Paused = m.Paused
	if !m.Paused {
		state.Quarantined, state.Reason = false, ""
	}
	a.commitState(ctx, m.Origin, m.Name, state, resumed)
}

func (a *schedulerActor) commitState(ctx actor.Context, origin messages.Origin, name string,
	state messages.JobState, back bool,
) {
	change := messages.Change{
		Origin: origin,
		Rows: []messages.Row{messages.JobStateRow{
			Name:  name,
			State: state,
			Part:  messages.PausePart,
		}},
	}
	a.system.submit(ctx, change, func(c messages.Committed) any {
		return stateCommitted{name: name, state: state, lookBack: back, committed: c}
	})
}

func (a *schedulerActor) onStateCommitted(ctx actor.Context, m stateCommitted) {
	e, ok := a.agenda.jobs[m.name]
	switch {
	case m.committed.Err != nil:
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	case !ok:
		respond(ctx, noSuchJob(m.name))
		return
	}
	if m.committed.TxID > a.loaded {
		a.applyState(ctx, e, m)
	}
	respond(ctx, a.standing(e))
}

func (a *schedulerActor) applyState(ctx actor.Context, e *jobEntry, m stateCommitted) {
	now := time.Now()
	state := e.state().With(messages.PausePart, &m.state)
	a.agenda.setState(e, &state)
	a.agenda.replan(e, laterOf(now, fromUnixNano(e.through)))
	switch {
	case e.paused:
		a.disarmWhole(e.name, whyPaused)
	case e.quarantined:
		a.disarmWhole(e.name, whyQuarantined)
	case m.lookBack && e.fires() && e.through != 0 && a.firing:
		b := a.newBatch(ctx)
		a.catchUp(b, e, now, fromUnixNano(e.through), gap{
			why:    "the job was paused or quarantined until " + stamp(now),
			madeUp: true,
		})
		b.flush()
	}
	a.arm(ctx)
	a.count()
}

func (a *schedulerActor) onQuarantineJob(ctx actor.Context, m quarantineJob) {
	e, ok := a.agenda.jobs[m.name]
	if !ok || e.quarantined {
		return
	}
	state := e.state()
	state.Quarantined, state.Reason = true, m.reason
	a.system.log.Error("job quarantined", "actor", nameScheduler, "job", m.name, "reason", m.reason,
		"remedy", "PUT /agent/job/resume or gustyctl job resume lifts it")
	a.commitState(ctx, messages.OriginAgent(), m.name, state, false)
}
