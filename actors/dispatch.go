package actors

import (
	"fmt"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// How the executors actor hands tasks out and takes them off its books.

func (a *executorsActor) onStartTasks(ctx actor.Context, m startTasks) {
	for _, t := range m.tasks {
		if !a.seen(t, m.txID) {
			a.put(t)
		}
	}
	a.dispatch(ctx)
}

// seen reports whether this instance has found the task's row in the store, and settled it, before
// the task itself came.
func (a *executorsActor) seen(t *task, txID uint64) bool {
	own, resumed := a.resumed[t.run.ID]
	return resumed && own != t || txID != 0 && txID <= a.loaded
}

func (a *executorsActor) put(t *task) {
	if a.stopped {
		a.abandon(t)
		return
	}
	a.noteRetry(t)
	a.queue.put(t, t.at.UnixNano())
}

// dispatch hands out every task whose time has come, while there are slots, and sets the timer for
// the next.
func (a *executorsActor) dispatch(ctx actor.Context) {
	if a.timer != nil {
		a.timer.Stop()
	}
	for !a.stopped && !a.system.stopping.Load() {
		t, ok := a.queue.head()
		if !ok {
			a.full.end()
			return
		}
		if wait := time.Until(t.at); wait > 0 {
			a.full.end()
			a.wakeIn(wait)
			return
		}
		if a.inUse+len(a.arming) >= a.slots {
			a.full.begin()
			a.wakeIn(time.Until(a.full.noteAt)) // a run's end dispatches before, if one ends
			return
		}
		a.queue.remove(t)
		a.hand(ctx, t)
	}
}

// timerSlack is how late a timer of the runtime may be. What is left of it at the end is slept
// exactly.
const timerSlack = 2 * time.Millisecond

func (a *executorsActor) wakeIn(wait time.Duration) {
	self, root, sleep := a.self, a.system.actors.Root, a.system.opt.Sleep
	at := time.Now().Add(wait)
	a.timer = time.AfterFunc(wait-timerSlack, func() {
		sleep(time.Until(at))
		root.Send(self, slotDue{})
	})
}

// hand hands a task to its executor. One whose row does not say that it starts without a further
// commit is committed so first: after a crash nobody could tell whether it ran. It keeps a slot
// meanwhile, so that nothing due later gets ahead of it.
func (a *executorsActor) hand(ctx actor.Context, t *task) {
	if a.missed(t) || a.behindMakeUp(t) || a.behindRetry(t) {
		return
	}
	if !t.run.Armed || t.waits {
		t.run.Armed, t.waits, t.grace = true, false, 0 // it was noticed in time
		a.system.outcomes.strip(t.run.ID)
		a.arming[t.run.ID] = t
		a.commit(ctx, t, messages.OriginAgent())
		return
	}
	w := a.worker(ctx, t.key())
	a.book(w, t)
	ctx.Send(w.pid, begin{t})
	if t.run.Trigger == messages.TriggerRetry {
		a.forgetRetry(t)
		a.letFollow(t)
	}
}

// book puts a task on the books: it holds a slot, and keeps its executor alive.
func (a *executorsActor) book(w *worker, t *task) {
	a.inUse++
	a.handed[t.run.ID] = t
	a.noteMakeUp(t)
	w.tasks++
}

// worker returns the executor of a key; a new one adopts executions that are under way already.
func (a *executorsActor) worker(ctx actor.Context, key string, adopted ...*execution) *worker {
	if w, ok := a.workers[key]; ok {
		return w
	}
	number := a.system.rounds.Add(1)
	for _, x := range adopted {
		x.owner.Store(number)
	}
	pid, err := ctx.SpawnNamed(a.executorProps(key, number, len(adopted) > 0), workerName(number))
	if err != nil {
		panic(fmt.Errorf("spawn an executor: %w", err))
	}
	w := &worker{pid: pid}
	a.workers[key] = w
	return w
}

// workerName is short, since it stands in every PID, and never used twice, also not by a later
// instance.
func workerName(number uint64) string { return "x" + strconv.FormatUint(number, 36) }

func (a *executorsActor) executorProps(key string, number uint64, adopts bool) *actor.Props {
	s, parent := a.system, a.self
	producer := func() actor.Actor {
		x := newExecutorActor(s, parent, key, number)
		x.adopts = adopts
		adopts = true // an instance after this one comes after a failure
		return x
	}
	return actor.PropsFromProducer(s.wrap(nameExecutor, producer),
		actor.WithDispatcher(&s.workers),
		actor.WithMailbox(func() actor.Mailbox {
			return newMailbox(nameExecutor, mailboxLimit, s.answer)
		}),
		actor.WithReceiverMiddleware(s.watched(newVital(nameExecutor),
			s.log.With("actor", nameExecutor, "job", printableKey(key)))))
}

func printableKey(key string) string {
	if key != "" && key[0] == 0 {
		return "run " + key[1:]
	}
	return key
}

func (a *executorsActor) onRunOver(ctx actor.Context, m runOver) {
	if _, ok := a.handed[m.runID]; !ok {
		return
	}
	if m.retry != nil && !a.seen(m.retry, 0) {
		a.noteRetry(m.retry)
	}
	a.release(ctx, m.key, m.runID)
	if w, ok := a.workers[m.key]; ok {
		ctx.Send(w.pid, ended{m.runID})
	}
	a.dispatch(ctx)
}

// release takes a task off the books, and ends an executor that has none left.
func (a *executorsActor) release(ctx actor.Context, key, runID string) {
	delete(a.handed, runID)
	a.inUse--
	if w, ok := a.workers[key]; ok {
		if w.tasks--; w.tasks == 0 {
			delete(a.workers, key)
			ctx.Stop(w.pid)
		}
	}
	a.nextMakeUp(key)
	if a.inUse == 0 {
		a.onDrainOver()
	}
}

// onHeldBack frees the slot of a task that stays with its executor; it comes back as a task to be
// queued.
func (a *executorsActor) onHeldBack(ctx actor.Context, m heldBack) {
	t := m.task
	if a.handed[t.run.ID] != t {
		return
	}
	a.held[t.run.ID], t.waits = t, true
	a.release(ctx, t.key(), t.run.ID)
	a.dispatch(ctx)
}

func (a *executorsActor) onAgain(ctx actor.Context, m again) {
	delete(a.held, m.task.run.ID)
	if m.task.open() && !a.seen(m.task, 0) {
		a.put(m.task)
		a.dispatch(ctx)
	}
}
