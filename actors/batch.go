package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// rowsPerChange bounds one change of many rows, so that others share the committer.
const rowsPerChange = 256

// batch gathers the rows of many firings into few changes. The tasks of a change start when it is
// durable.
type batch struct {
	actor   *schedulerActor
	ctx     actor.Context
	rows    []messages.Row
	firings []firing
	marks   []mark
	counted int // missed firings that were looked at
}

// firing is a task whose record is on its way to the store, with the plan that it comes from.
type firing struct {
	task   *task
	plan   planKey
	clocks int // the scheduler's count when it was planned
}

// mark says how far a job is planned.
type mark struct {
	name    string
	through int64
}

// plannedAhead holds the marks that are not known to be durable, by job. Only one instance of the
// scheduler lives at a time, and each begins with what the one before has left: its load may come
// before the commit of what was armed, and must not arm that again.
type plannedAhead map[string]int64

func (a *schedulerActor) newBatch(ctx actor.Context) *batch { return &batch{actor: a, ctx: ctx} }

// fire records a run of the job that starts once the record is durable, and how far the job is
// planned, together.
func (b *batch) fire(e *jobEntry, t *task) {
	b.firings = append(b.firings, firing{task: t, plan: e.plan.key, clocks: b.actor.clocks})
	b.rows = append(b.rows, messages.RunRow{Run: t.run})
	b.plan(e)
}

// makeUp records a run that stands for a missed one.
func (b *batch) makeUp(e *jobEntry, t *task) {
	b.firings = append(b.firings, firing{task: t, plan: e.plan.key, clocks: b.actor.clocks})
	b.add(messages.RunRow{Run: t.run})
}

// record records a run that does not start.
func (b *batch) record(run messages.Run) { b.add(messages.RunRow{Run: run}) }

// plan records how far the job's firings have their records.
func (b *batch) plan(e *jobEntry) {
	b.marks = append(b.marks, mark{e.name, e.through})
	b.add(messages.JobStateRow{
		Name:  e.name,
		State: messages.JobState{PlannedThrough: fromUnixNano(e.through)},
		Part:  messages.PlannedPart,
	})
}

// boot records in which boot of the host the job has fired.
func (b *batch) boot(e *jobEntry) {
	b.add(messages.JobStateRow{
		Name:  e.name,
		State: messages.JobState{BootID: e.bootID},
		Part:  messages.BootPart,
	})
}

func (b *batch) add(row messages.Row) { b.rows = append(b.rows, row) }

// endJob is called when all of a job is gathered: what belongs together is in one change, or a kill
// between two would have the next life do a part of it again.
func (b *batch) endJob() {
	if len(b.rows) >= rowsPerChange {
		b.flush()
	}
}

// flush hands what is gathered to the store.
func (b *batch) flush() {
	if len(b.rows) == 0 {
		return
	}
	for _, m := range b.marks {
		b.actor.system.planned[m.name] = m.through
	}
	recorded := runsRecorded{firings: b.firings, marks: b.marks}
	for _, f := range recorded.firings {
		f.task.row.leaves()
	}
	self, root := b.ctx.Self(), b.actor.system.actors.Root
	b.actor.system.opt.Store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   b.rows,
	}, func(c messages.Committed) {
		for _, f := range recorded.firings {
			f.task.row.arrives(c.Err)
		}
		recorded.committed = c
		root.Send(self, recorded)
	})
	b.rows, b.firings, b.marks = nil, nil, nil
}

// limit says how many firings of the next job may be looked at.
func (b *batch) limit() int { return max(missedAtLeast, min(missedCounted, missedInAll-b.counted)) }
