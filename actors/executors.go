package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// executorsActor is the parent of the executors. It keeps the tasks that wait for their time or for
// a slot, in due order, and hands each to the executor of its job. An executor lives as long as it
// has tasks.
type executorsActor struct {
	system *System
	self   *actor.PID
	loaded uint64 // the transaction that the active runs were loaded from
	queue  dueQueue[*task]
	slots  int              // runs that may be under way at once
	inUse  int              // tasks that are with an executor and not over
	handed map[string]*task // by run id: those in use
	// by run id: whose slot is kept while the record is written that they start
	arming map[string]*task
	// by run id: with an executor, waiting for an earlier run, without a slot
	held    map[string]*task
	resumed map[string]*task // by run id: those that this instance took from the store
	workers map[string]*worker
	retries map[string][]*task     // by job: the attempts that follow on failed ones
	makeUps map[string]*makeUps    // by job
	faults  map[string][]time.Time // recent failures, by job
	full    fullness

	timer      *time.Timer
	graceTimer *time.Timer

	draining *actor.PID // who waits until nothing runs
	stopped  bool       // nothing starts any more
}

// worker is one executor as its parent sees it.
type worker struct {
	pid   *actor.PID
	tasks int
}

// The executors' private messages.
type (
	// startTasks are tasks whose rows are durable, or that start although they could not be
	// recorded (txID 0).
	startTasks struct {
		tasks []*task
		txID  uint64
	}
	// runTask is a task that a client asked for; its row is not written yet.
	runTask struct {
		task   *task
		origin messages.Origin
	}
	taskCommitted struct {
		task      *task
		committed messages.Committed
	}
	slotDue struct{}
	// runOver comes from an execution, or from an executor that decided against one.
	runOver struct {
		key, runID string
		// the next attempt, which comes to be queued when its record is durable; nil: none
		retry *task
	}
	// heldBack comes from an executor: the task waits for an earlier run of the job, without a
	// slot.
	heldBack struct{ task *task }
	// again comes from executions and executors: a task to be queued.
	again struct{ task *task }
	// executorFailed comes from the supervisor strategy, jobFault from an execution that panicked.
	executorFailed struct {
		pid   *actor.PID
		cause any
		task  *task // that it failed over; nil: over something else
	}
	jobFault struct{ key, cause string }
	// disarmTasks takes back tasks of a job, or of all jobs, that have not started.
	disarmTasks struct {
		name string // empty: of all jobs
		why  string
		but  time.Time // a firing due then stays; zero: none does
		// the job does not exist any more: also what waits for a slot, an earlier run or a retry
		gone bool
		next bool // also attempts that follow on a failed one
	}
	drain   struct{ grace time.Duration }
	drained struct{}
)

func (startTasks) private()     {}
func (taskCommitted) private()  {}
func (slotDue) private()        {}
func (runOver) private()        {}
func (heldBack) private()       {}
func (again) private()          {}
func (executorFailed) private() {}
func (jobFault) private()       {}
func (disarmTasks) private()    {}
func (drain) private()          {}

func newExecutorsActor(s *System) *executorsActor {
	return &executorsActor{
		system: s, handed: map[string]*task{}, arming: map[string]*task{}, held: map[string]*task{},
		resumed: map[string]*task{},
		workers: map[string]*worker{}, retries: map[string][]*task{},
		makeUps: map[string]*makeUps{}, faults: map[string][]time.Time{},
	}
}

// Receive takes tasks in and their ends.
func (a *executorsActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.onLeaving()
	case configChanged:
		a.onConfigChanged(ctx, m)
	case startTasks:
		a.onStartTasks(ctx, m)
	case runTask:
		a.onRunTask(ctx, m)
	case messages.ExecuteScript:
		a.onExecuteScript(ctx, m)
	case messages.ExecuteCommand:
		a.onExecuteCommand(ctx, m)
	case taskCommitted:
		a.onTaskCommitted(ctx, m)
	case slotDue:
		a.dispatch(ctx)
		a.noteWaiting()
	case runOver:
		a.onRunOver(ctx, m)
	case heldBack:
		a.onHeldBack(ctx, m)
	case again:
		a.onAgain(ctx, m)
	case executorFailed:
		a.onExecutorFailed(ctx, m)
	case jobFault:
		a.fault(m.key, m.cause)
	case disarmTasks:
		a.onDisarm(m)
	case messages.CancelRun:
		a.onCancelRun(ctx, m)
	case drain:
		a.onDrain(ctx, m)
	}
}

func (a *executorsActor) onStarted(ctx actor.Context) {
	a.self = ctx.Self()
	a.slots = int(a.system.Config().Int(messages.ParamMaxConcurrentRuns))
	a.stopped = a.system.stopping.Load()
	if err := a.recover(ctx, time.Now()); err != nil {
		panic(fmt.Errorf("load the runs under way: %w", err))
	}
}

// onLeaving answers those who wait for a task that goes with this instance. Its row is in the
// store: the next instance settles it.
func (a *executorsActor) onLeaving() {
	for _, t := range []*time.Timer{a.timer, a.graceTimer} {
		if t != nil {
			t.Stop()
		}
	}
	const who = "the " + nameExecutors + " actor"
	for _, t := range a.queue.items {
		a.system.answerLost(t, who)
	}
	for _, t := range a.handed {
		if t.lose() {
			a.system.answerLost(t, who)
		}
	}
	a.onDrainOver()
}

func (a *executorsActor) onConfigChanged(ctx actor.Context, m configChanged) {
	a.slots = int(m.config.Int(messages.ParamMaxConcurrentRuns))
	a.dispatch(ctx)
}
