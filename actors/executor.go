package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// nameExecutor names the executors in logs; each line names its job too.
const nameExecutor = "executor"

// executorActor decides about the runs of one job: whether a task starts, waits or is skipped while
// an earlier run is under way.
type executorActor struct {
	system *System
	parent *actor.PID
	key    string
	number uint64 // of the executor, by which it finds the executions that are its own
	adopts bool   // some of them may be under way already
	active map[string]*execution
	held   *task // waits for the active runs to end
}

// The executor's private messages.
type (
	begin struct{ task *task }
	ended struct{ runID string }
)

func (begin) private() {}
func (ended) private() {}

func newExecutorActor(s *System, parent *actor.PID, key string, number uint64) *executorActor {
	return &executorActor{
		system: s,
		parent: parent,
		key:    key,
		number: number,
		active: map[string]*execution{},
	}
}

// Receive takes tasks and the ends of runs.
func (a *executorActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted()
	case begin:
		a.onBegin(m.task)
	case ended:
		a.onEnded(m)
	case *actor.Restarting:
		a.onLeaving("its executor failed")
	case *actor.Stopping:
		a.onLeaving("its executor was stopped")
	}
}

// onStarted takes over the executions that an earlier instance has left: the next task must not
// overlap them while they end. Those of another executor of the same job, which may have come in
// this one's place by now, are none of its business.
func (a *executorActor) onStarted() {
	if !a.adopts {
		return
	}
	for _, x := range a.system.live.all() {
		if x.owner.Load() == a.number && !x.over.Load() {
			a.active[x.id] = x
		}
	}
}

func (a *executorActor) onBegin(t *task) {
	if len(a.active) == 0 {
		a.start(t)
		return
	}
	switch t.overlap {
	case messages.OverlapAllow:
		a.start(t)
	case messages.OverlapQueue:
		a.hold(t)
	case messages.OverlapReplace:
		a.replace(t)
	default:
		a.skip(t, "previous run still active (run "+a.oldest()+")")
	}
}

func (a *executorActor) start(t *task) {
	if !t.take() {
		return // its parent has given it up already
	}
	x := newExecution(a.system, a.parent, a.key, t)
	x.owner.Store(a.number)
	a.active[t.run.ID] = x
	a.system.live.add(x)
	go x.carryOut()
}

// hold keeps one task until the active runs have ended.
func (a *executorActor) hold(t *task) {
	if a.held != nil && a.held.open() {
		a.skip(t, "previous run still active (run "+a.oldest()+
			"), and one run is waiting already (run "+a.held.run.ID+")")
		return
	}
	a.held = t
	a.system.noteWaits(t)
	a.tellParent(heldBack{t})
}

// replace ends the active runs and holds the task until they have.
func (a *executorActor) replace(t *task) {
	for _, x := range a.active {
		x.end(ending{state: messages.RunCancelled, reason: "replaced by run " + t.run.ID})
	}
	if a.held != nil && a.held.take() {
		a.system.settleUnrun(a.held, messages.RunSkipped, "replaced by run "+t.run.ID)
		a.tellParent(again{a.held}) // it has an outcome: only the parent's books want to know
	}
	a.held = nil
	a.hold(t)
}

// skip records that a task does not run.
func (a *executorActor) skip(t *task, reason string) {
	if t.take() {
		a.system.settleUnrun(t, messages.RunSkipped, reason)
		a.tellParent(runOver{key: a.key, runID: t.run.ID})
	}
}

// oldest names the run that has been active longest: ids are in order of time.
func (a *executorActor) oldest() string {
	var oldest string
	for id := range a.active {
		if oldest == "" || id < oldest {
			oldest = id
		}
	}
	return oldest
}

func (a *executorActor) onEnded(m ended) {
	delete(a.active, m.runID)
	if len(a.active) == 0 {
		a.letGo()
	}
}

func (a *executorActor) letGo() {
	if a.held != nil {
		a.tellParent(again{a.held})
		a.held = nil
	}
}

// onLeaving ends the runs under way: what is left of them is recorded by their own goroutines.
func (a *executorActor) onLeaving(reason string) {
	for _, x := range a.active {
		x.end(ending{state: messages.RunInterrupted, reason: reason})
	}
	a.letGo()
}

func (a *executorActor) tellParent(message any) { a.system.actors.Root.Send(a.parent, message) }
