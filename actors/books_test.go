package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// booksNow are the executors actor's books, and the register of executions.
type booksNow struct{ inUse, handed, arming, held, queued, workers, makeUps, live int }

// look asks an actor to run a function among its messages.
type look struct{ at func(actor.Actor) any }

// books reads the executors' books from inside of the actor.
func (w *world) books() booksNow {
	w.t.Helper()
	reply, err := w.sys.request(context.Background(), nameExecutors, look{func(x actor.Actor) any {
		a, ok := x.(*executorsActor)
		if !ok {
			return nil
		}
		return booksNow{
			inUse: a.inUse, handed: len(a.handed), arming: len(a.arming), held: len(a.held),
			queued: a.queue.len(), workers: len(a.workers),
			makeUps: len(a.makeUps), live: len(w.sys.live.all()),
		}
	}})
	if err != nil {
		w.t.Fatalf("the executors' books cannot be read: %v", err)
	}
	books, ok := reply.(booksNow)
	if !ok {
		w.t.Fatalf("the executors' books are %T", reply)
	}
	return books
}
