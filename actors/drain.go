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
			x.end(ending{
				state:    messages.RunInterrupted,
				reason:   "the agent was stopped",
				grace:    killGraceAtStop,
				hasGrace: true,
			})
		}
	})
}

// whyStoppedBefore is the reason of a run that cannot wait for the next start of the agent.
const whyStoppedBefore = "the agent was stopped before it started"

// abandon leaves a task to the next start of the agent, which finds its row, but for one that
// somebody waits for: it is told that there was no run.
func (a *executorsActor) abandon(t *task) {
	switch {
	case t.stays():
		a.system.recordWaiting(t)
	case t.take():
		a.system.settleUnrun(t, messages.RunInterrupted, whyStoppedBefore)
	}
}

func (a *executorsActor) onDrainOver() {
	if a.draining != nil {
		a.system.answer(a.draining, drained{})
		a.draining = nil
	}
}
