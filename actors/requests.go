package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// What the executors do for clients, and for the scheduler in their name: run what
// they send, and take it back.

// onRunTask records a run of a stored job that a client asked for.
func (a *executorsActor) onRunTask(ctx actor.Context, m runTask) {
	m.task.asker = ctx.Sender()
	a.commit(ctx, m.task, m.origin)
}

func (a *executorsActor) onExecuteScript(ctx actor.Context, m messages.ExecuteScript) {
	job := m.Job
	if err := a.checkScript(&job); err != nil {
		respond(ctx, refusal(err, "the executor"))
		return
	}
	run := a.system.newRun(job.Name, messages.RunOfScript, m.Origin.Principal)
	a.commit(ctx, &task{
		run: run, at: run.DueAt, overlap: messages.OverlapAllow, script: &job, async: m.Async,
		asker: ctx.Sender(),
	}, m.Origin)
}

func (a *executorsActor) checkScript(job *messages.Job) error {
	if err := job.Validate(); err != nil {
		return err
	}
	if _, err := splitArguments(job.Arguments); err != nil {
		return err
	}
	if a.system.opt.CheckLimits != nil {
		return a.system.opt.CheckLimits(&job.Options)
	}
	return nil
}

func (a *executorsActor) onExecuteCommand(ctx actor.Context, m messages.ExecuteCommand) {
	run := a.system.newRun(messages.CommandName, messages.RunOfCommand, m.Origin.Principal)
	a.commit(ctx, &task{
		run: run, at: run.DueAt, overlap: messages.OverlapAllow, command: m.Command,
		timeout: m.Timeout, asker: ctx.Sender(),
	}, m.Origin)
}

// commit writes the task's row; the task starts when that is durable.
func (a *executorsActor) commit(ctx actor.Context, t *task, origin messages.Origin) {
	if a.stopped {
		a.system.answerLost(t, "the agent is stopping and")
		return
	}
	self, root := ctx.Self(), a.system.actors.Root
	row := messages.RunRow{Run: t.run}
	if t.stays() {
		row.Script = t.script
	}
	change := messages.Change{Origin: origin, Rows: []messages.Row{row}}
	t.row.leaves()
	a.system.opt.Store.Submit(change, func(c messages.Committed) {
		t.row.arrives(c.Err)
		root.RequestWithCustomSender(self, taskCommitted{task: t, committed: c}, t.asker)
	})
}

// onTaskCommitted queues the task, where it is to start; one whose slot was kept starts in it, or
// all that are due with it would be ahead of it.
func (a *executorsActor) onTaskCommitted(ctx actor.Context, m taskCommitted) {
	_, kept := a.arming[m.task.run.ID]
	delete(a.arming, m.task.run.ID)
	if a.mayStart(m) {
		m.task.recorded = true
		a.accept(m.task)
		if kept && !a.stopped {
			a.hand(ctx, m.task)
		} else {
			a.put(m.task)
		}
	}
	a.dispatch(ctx)
}

// mayStart reports whether a task starts after what became of its record. A client whose run could
// not be recorded is told so, and nothing runs; a run that the agent owes starts all the same,
// unless it is unknown what became of its record: then the process is about to end.
func (a *executorsActor) mayStart(m taskCommitted) bool {
	t, err := m.task, m.committed.Err
	switch {
	case err != nil &&
		(!t.recorded && t.run.Trigger == messages.TriggerAPI || messages.AsError(err) == nil):
		if t.asker != nil {
			a.system.answer(t.asker, refusal(err, "the store"))
		}
		return false
	case err != nil:
		a.system.log.Error("a run starts although that could not be recorded", "actor",
			nameExecutors, "job", t.run.ScriptName,
			"run_id", t.run.ID, "error", err)
	case a.seen(t, m.committed.TxID):
		a.answerSeen(t)
		return false
	}
	return t.open() // or it was settled meanwhile
}

// accept answers who waits only for the record.
func (a *executorsActor) accept(t *task) {
	if t.async && t.asker != nil {
		a.system.answer(t.asker, messages.RunAccepted{Run: t.run})
		t.asker = nil
	}
}

// answerSeen answers for a task whose row this instance has found before: it was resumed, or its
// record was ended.
func (a *executorsActor) answerSeen(t *task) {
	if a.resumed[t.run.ID] != nil {
		a.accept(t)
	}
	a.system.answerLost(t, "the "+nameExecutors+" actor")
}

func (a *executorsActor) onCancelRun(ctx actor.Context, m messages.CancelRun) {
	reason := "cancelled by " + m.Origin.Principal
	if x := a.system.live.find(m.ID); x != nil && x.snapshot().State.Active() {
		x.end(ending{state: messages.RunCancelled, reason: reason})
		respond(ctx, x.snapshot())
		return
	}
	t := a.waiting(m.ID)
	if t == nil || !t.take() {
		respond(ctx, notUnderWay(m.ID))
		return
	}
	a.queue.remove(t)
	delete(a.held, m.ID)
	run := a.system.settleUnrun(t, messages.RunCancelled, reason)
	a.letFollow(t)
	if a.handed[m.ID] == t {
		a.release(ctx, t.key(), m.ID)
	}
	a.nextMakeUp(t.key())
	a.dispatch(ctx)
	respond(ctx, run)
}

// waiting finds a task that has not started: queued, held back by its executor, or on its way
// there.
func (a *executorsActor) waiting(id string) *task {
	for _, t := range a.queue.items {
		if t.run.ID == id {
			return t
		}
	}
	if t := a.held[id]; t != nil {
		return t
	}
	return a.handed[id]
}

func notUnderWay(id string) *messages.Error {
	return messages.Errorf(messages.CodeConflict, "the run %s is not under way", id)
}

func (a *executorsActor) onDisarm(m disarmTasks) {
	var gone []*task
	for _, t := range a.queue.items {
		if m.takes(t) {
			gone = append(gone, t)
			if t.follower != nil {
				gone = append(gone, t.follower)
			}
		}
	}
	for _, t := range a.held {
		if m.takes(t) {
			gone = append(gone, t)
		}
	}
	for _, t := range gone {
		a.queue.remove(t)
		delete(a.held, t.run.ID)
		if t.take() {
			a.system.settleUnrun(t, messages.RunSkipped, m.why)
		}
		a.letFollow(t)
		a.nextMakeUp(t.key())
	}
	if m.gone {
		delete(a.retries, m.name)
	}
}

// takes reports whether the task is taken back: of a job that is gone any, else a scheduled one
// whose time has not come.
func (m *disarmTasks) takes(t *task) bool {
	switch {
	case t.run.Kind != messages.RunOfJob, m.name != "" && t.run.ScriptName != m.name:
		return false
	default:
		return m.gone || m.next && t.run.Trigger == messages.TriggerRetry ||
			t.run.Trigger == messages.TriggerSchedule && time.Until(t.at) > 0 &&
				!t.run.DueAt.Equal(m.but)
	}
}
