package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
)

// guardian supervises the agent actor itself: whatever makes that one fail ends the process, since
// nobody is left to restart it.
type guardian struct{ fail func(error) }

// HandleFailure stops the agent actor and with it the whole tree.
func (g *guardian) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor,
	child *actor.PID, _ *actor.RestartStatistics, reason, _ any,
) {
	supervisor.StopChildren(child)
	g.fail(&GaveUpError{Actor: lastPart(child.Id), Cause: reason})
}

// agentActor is the root of the tree: it spawns the others and restarts them on request.
type agentActor struct {
	system *System
	born   chan<- error // told once, when all children are spawned
}

// restartActors asks the agent to restart all its children but the executors.
type restartActors struct{}

// Receive spawns the children and restarts them.
func (a *agentActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		a.born <- a.spawn(ctx)
	case restartActors:
		a.restart(ctx)
	case *actor.Stopped:
		close(a.system.agentGone)
	}
}

func (a *agentActor) spawn(ctx actor.Context) error {
	for _, m := range a.system.members {
		pid, err := ctx.SpawnNamed(a.system.props(m), m.name)
		if err != nil {
			return fmt.Errorf("spawn the %s actor: %w", m.name, err)
		}
		m.pid.Store(pid)
	}
	return nil
}

func (a *agentActor) restart(ctx actor.Context) {
	supervisor, ok := ctx.(actor.Supervisor)
	if !ok {
		panic("the actor library's context is no supervisor any more")
	}
	for _, m := range a.system.members {
		if m.name != nameExecutors {
			supervisor.RestartChildren(m.pid.Load())
		}
	}
}
