package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

const (
	// quarantineFailures of one job's executor within quarantineWindow take the job out of the
	// schedule.
	quarantineFailures = 3
	quarantineWindow   = time.Minute
)

// keepGoing restarts an executor whatever happens: giving up on it is its parent's matter, who
// counts over the executor's whole life.
type keepGoing struct {
	tell func(executorFailed)
}

// HandleFailure restarts the child and tells the parent.
func (k *keepGoing) HandleFailure(
	_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason, message any,
) {
	supervisor.RestartChildren(child)
	failed := executorFailed{pid: child, cause: reason}
	if m, ok := actor.UnwrapEnvelopeMessage(message).(begin); ok {
		failed.task = m.task
	}
	k.tell(failed)
}

// onExecutorFailed counts the failure, and settles the task that the executor failed over, or,
// where it failed over something else, all that were on their way to it. (Its executions end
// themselves.)
func (a *executorsActor) onExecutorFailed(ctx actor.Context, m executorFailed) {
	for key, w := range a.workers {
		if w.pid.Equal(m.pid) {
			a.fault(key, fmt.Sprint(m.cause))
			a.settleLost(ctx, key, m.task)
			return
		}
	}
}

func (a *executorsActor) settleLost(ctx actor.Context, key string, failed *task) {
	for id, t := range a.handed {
		if t.key() == key && (failed == nil || failed == t) && t.lose() {
			a.system.record(t.outcome(messages.RunFailed, "its executor failed before it started",
				time.Now()), t)
			a.system.answerLost(t, "the "+nameExecutor)
			a.release(ctx, key, id)
		}
	}
	a.dispatch(ctx)
}

// fault counts a failure of the agent's own code over one job; the third in a minute takes the job
// out of the schedule.
func (a *executorsActor) fault(key, cause string) {
	if key == "" || key[0] == 0 {
		return // a run that came with a request: nothing will repeat it
	}
	now := time.Now()
	recent := a.faults[key][:0]
	for _, at := range a.faults[key] {
		if now.Sub(at) < quarantineWindow {
			recent = append(recent, at)
		}
	}
	a.faults[key] = append(recent, now)
	if len(a.faults[key]) < quarantineFailures {
		return
	}
	delete(a.faults, key)
	a.system.log.Error("a job's executor keeps failing", "actor", nameExecutors, "job", key,
		"failures", quarantineFailures, "cause", cause)
	reason := fmt.Sprintf("its executor failed %d times within %s by a fault of the agent's own; "+
		"the log has the cause",
		quarantineFailures, quarantineWindow)
	a.system.tell(nameScheduler, quarantineJob{name: key, reason: reason})
}
