package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// What the scheduler does when a time has come.

func (a *schedulerActor) onTick(ctx actor.Context, m tick) {
	if m.number != a.ticks {
		return
	}
	now := time.Now()
	change := a.system.clock.Look(now)
	a.noticeClock(ctx, now, change)
	fired := a.fireDue(ctx, now, gap{why: lateSince(change), forgiving: true, madeUp: true})
	a.arm(ctx)
	if !fired {
		a.system.roundOver() // what fires soon would touch the same memory again
	}
}

// fireDue records everything that is due within armLead, and plans its next firing. What should
// have been noticed in an earlier tick fell into the gap before this one. It reports whether
// anything was due.
func (a *schedulerActor) fireDue(ctx actor.Context, now time.Time, before gap) (found bool) {
	b := a.newBatch(ctx)
	horizon := now.Add(armLead).UnixNano()
	for {
		e, ok := a.agenda.queue.head()
		if !ok || e.due > horizon {
			break
		}
		found = true
		due := fromUnixNano(e.due)
		switch {
		case !a.firing || e.paused:
			a.agenda.replan(e, laterOf(due, now))
		case now.Sub(due) > hardlyLate:
			a.catchUp(b, e, now, due.Add(-1), before)
		default:
			a.fire(b, e, due, e.startAt(due))
			a.agenda.replan(e, due)
		}
		b.endJob()
	}
	b.flush()
	a.count()
	return found
}

// fire puts one firing in the batch, which starts its process at the given time.
func (a *schedulerActor) fire(b *batch, e *jobEntry, due, at time.Time) {
	e.through = max(e.through, due.UnixNano())
	b.fire(e, &task{
		run: a.system.plannedRun(e.name, messages.TriggerSchedule, due), at: at,
		overlap: e.overlap, misfire: e.misfire, grace: e.lateBy(),
		seen: a.system.clock.Read(time.Now()),
	})
	a.system.counts.change(func(s *messages.SchedulerStats) { s.Due++; s.Fired++ })
}

// catchUpAll looks back over every job from where its records end.
func (a *schedulerActor) catchUpAll(ctx actor.Context, now time.Time, in gap) {
	b := a.newBatch(ctx)
	for _, e := range a.agenda.jobs {
		if from := max(e.through, e.anchor); e.fires() && !e.paused && from != 0 {
			a.catchUp(b, e, now, fromUnixNano(from), in)
			b.endJob()
		}
	}
	b.flush()
}

// catchUp records what of a job fell due after from and up to now, in a gap, fires what is late
// within the job's grace and what the misfire policy makes up for, and plans on from now.
func (a *schedulerActor) catchUp(b *batch, e *jobEntry, now, from time.Time, in gap) {
	if e.plan.schedule.IsReboot() {
		a.missReboot(b, e, now, in)
		return
	}
	grace := time.Duration(-1)
	if in.forgiving {
		grace = e.lateBy()
	}
	back := e.lookBack(from, now, grace, b.limit())
	b.counted += back.count
	a.agenda.replan(e, planFrom(from, now))
	if back.last.IsZero() {
		return
	}
	//nolint:gosec // a count
	a.system.counts.change(func(s *messages.SchedulerStats) { s.Due += uint64(back.count) })
	for _, run := range back.records(e.name, in.why, now) {
		run.ID = a.system.ids.next()
		a.system.counts.ended(&run, false)
		b.record(run)
	}
	if in.madeUp {
		a.makeUp(b, e, now, back.makeUp(e.misfire))
	}
	for _, due := range back.late {
		a.fire(b, e, due, now)
	}
	e.through = max(e.through, back.last.UnixNano())
	b.plan(e)
}

// plannedRun makes a run that the agent owes by a job's plan.
func (s *System) plannedRun(name string, trigger messages.Trigger, due time.Time) messages.Run {
	return messages.Run{
		ID: s.ids.next(), ScriptName: name, Kind: messages.RunOfJob, State: messages.RunQueued,
		Trigger:   trigger,
		Principal: messages.OriginAgent().Principal, Attempt: 1, DueAt: due, Armed: true,
	}
}

// fireReboots starts the @reboot jobs that have not run in this boot of the host.
func (a *schedulerActor) fireReboots(ctx actor.Context, now time.Time) {
	b := a.newBatch(ctx)
	for _, e := range a.agenda.jobs {
		if !e.fires() || !e.plan.schedule.IsReboot() || e.bootID == a.system.opt.BootID ||
			!a.firing || e.paused {
			continue
		}
		e.bootID = a.system.opt.BootID
		e.through = max(e.through, now.UnixNano())
		b.boot(e)
		a.fire(b, e, now, now)
		b.endJob()
	}
	b.flush()
}

// missReboot records that a job of @reboot did not fire in this boot of the host, since something
// was stopped when the agent started.
func (a *schedulerActor) missReboot(b *batch, e *jobEntry, now time.Time, in gap) {
	if in.forgiving || e.bootID == a.system.opt.BootID {
		return // a start fires it
	}
	e.bootID = a.system.opt.BootID
	e.through = max(e.through, now.UnixNano())
	b.boot(e)
	b.plan(e)
	run := missedRun(e.name, now, in.why, now)
	run.ID = a.system.ids.next()
	a.system.counts.ended(&run, false)
	b.record(run)
	if in.madeUp && e.misfire != messages.MisfireSkip {
		a.makeUp(b, e, now, []time.Time{now})
	}
}

// onRunsRecorded hands the firings to the executors, but for those whose job has changed while
// their records were on the way.
func (a *schedulerActor) onRunsRecorded(m runsRecorded) {
	err := m.committed.Err
	if err == nil {
		a.forget(m.marks)
	}
	switch {
	case err != nil && messages.AsError(err) == nil:
		a.system.log.Error("firings do not start: it is unknown whether they were recorded",
			"actor", nameScheduler,
			"runs", len(m.firings), "error", err)
		return
	case err != nil:
		a.system.log.Error("firings could not be recorded ahead of time; they start all the same",
			"actor", nameScheduler,
			"runs", len(m.firings), "error", err)
	}
	tasks := make([]*task, 0, len(m.firings))
	for _, f := range m.firings {
		if why := a.objection(f); why != "" {
			a.system.settleUnrun(f.task, messages.RunSkipped, why)
			continue
		}
		tasks = append(tasks, f.task)
	}
	if len(tasks) > 0 {
		a.system.tell(nameExecutors, startTasks{tasks: tasks, txID: m.committed.TxID})
	}
}

// forget drops the marks that are durable now.
func (a *schedulerActor) forget(marks []mark) {
	for _, m := range marks {
		if a.system.planned[m.name] <= m.through {
			delete(a.system.planned, m.name)
		}
	}
}

// objection says why a firing must not start any more; empty: it may.
func (a *schedulerActor) objection(f firing) string {
	e, ok := a.agenda.jobs[f.task.run.ScriptName]
	switch {
	case f.clocks != a.clocks:
		return whyClockSet
	case !ok:
		return whyDeleted
	case e.plan == nil || e.plan.key != f.plan &&
		!e.plan.isDue(f.task.run.DueAt, fromUnixNano(e.anchor)):
		return whyReplanned
	case !e.enabled:
		return whySwitchedOff
	case e.paused:
		return whyPaused
	case e.quarantined:
		return whyQuarantined
	case !a.firing:
		return whyStopped
	default:
		return ""
	}
}

// Why a firing that was recorded ahead did not start.
const (
	whyDeleted     = "the job was deleted before it started"
	whyReplanned   = "the job's expression was changed before its time came"
	whySwitchedOff = "the job was switched off before its time came"
	whyPaused      = "the job was paused before its time came"
	whyQuarantined = "the job was quarantined before its time came"
	whyStopped     = "all firing was stopped before its time came"
	whyClockSet    = "the clock was set before its time came, and all was planned anew"
)
