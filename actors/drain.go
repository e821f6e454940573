package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// killGraceAtStop bounds the time between SIGTERM and SIGKILL when the agent stops.
const killGraceAtStop = 5 * time.Second

// onDrain stops starting, and waits until nothing is under way.
func (a *executorsActor) onDrain(ctx actor.Context, m drain) {
	a.stopped = true
	a.draining = ctx.Sender()
	for t, ok := a.queue.head(); ok; t, ok = a.queue.head() {
		a.queue.remove(t)
		a.abandon(t)
	}
	if a.inUse == 0 {
		a.onDrainOver()
		return
	}
	live := a.system.live
	a.graceTimer = time.AfterFunc(m.grace, func() {
		for _, x := range live.all() {
			x.end(ending{state: messages.RunInterrupted, reason: "the agent was stopped", grace: killGraceAtStop, hasGrace: true})
		}
	})
}

// abandon records that a task will not start, but for one that only waits: that resumes with the agent.
func (a *executorsActor) abandon(t *task) {
	switch {
	case !t.run.Armed, t.waits, !t.take():
	case t.run.Trigger == messages.TriggerSchedule:
		a.system.settleUnrun(t, messages.RunMissed, "the agent was stopped before it started")
	default:
		a.system.settleUnrun(t, messages.RunInterrupted, "the agent was stopped before it started")
	}
}

func (a *executorsActor) onDrainOver() {
	if a.draining != nil {
		a.system.answer(a.draining, drained{})
		a.draining = nil
	}
}
