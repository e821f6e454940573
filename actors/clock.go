package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/hostclock"
	"gusty/messages"
)

// What the scheduler does when the clock was set, or when nobody looked for a
// while.

const (
	// clockStep is how far the wall clock may go from the others between two ticks before it counts
	// as set.
	clockStep = time.Second
	// replanStep is the step of the clock from which on all is planned anew from the new time.
	replanStep = 3 * time.Hour
	// heldUpAfter is how long after the last tick a tick tells that the agent itself was stopped,
	// or the host too busy to run it.
	heldUpAfter = longestSleep + 2*time.Second
)

// gap is a stretch of time in which nobody looked at what fell due.
type gap struct {
	why       string
	forgiving bool // what is late within its job's grace fires
	madeUp    bool // the misfire policy makes up for what was missed
}

// lateSince says why firings before now were not noticed in their time.
func lateSince(c hostclock.Change) string {
	from, to := stamp(c.From), stamp(c.To)
	switch {
	case c.Suspended >= clockStep:
		return "the host was suspended from " + from + " to " + to
	case c.Set >= clockStep:
		return "the clock was set forward by " + c.Set.Round(time.Millisecond).String() + " at " +
			to
	case c.Awake >= heldUpAfter:
		return "the agent was stopped, or held up, from " + from + " to " + to
	default:
		return "the firing was noticed too late, at " + to
	}
}

// ClockSet tells the scheduler to look at the clocks now, and not only at its next tick.
func (s *System) ClockSet() { s.tell(nameScheduler, clockSet{}) }

// noticeClock does what a set clock asks for. A small step back fires nothing again: the plan stays
// as it is until the clock comes there. A small one forward, or a suspension, shows as firings that
// are late. After a large step in either direction all is planned anew from the new time.
func (a *schedulerActor) noticeClock(ctx actor.Context, now time.Time, c hostclock.Change) {
	a.forgetMadeUp(now)
	if c.Set.Abs() < clockStep && c.Suspended < clockStep {
		return
	}
	a.system.log.Warn("the clock was set, or the host was suspended", "actor", nameScheduler,
		"set_by", c.Set.String(),
		"suspended_for", c.Suspended.String(), "replanned", c.Set.Abs() >= replanStep)
	switch {
	case c.Set <= -replanStep:
		a.planBack(ctx, now)
	case c.Set >= replanStep:
		a.planForward(ctx, now, lateSince(c))
	}
	a.system.tell(nameExecutors, slotDue{}) // its timer was set by the clock of before
}

// planBack plans all from a time that has been before. What is armed belongs to the old plan, and
// is taken back.
func (a *schedulerActor) planBack(ctx actor.Context, now time.Time) {
	a.clocks++
	clear(a.system.planned)
	a.disarm("", whyClockSet)
	b := a.newBatch(ctx)
	for _, e := range a.agenda.jobs {
		if e.through > now.UnixNano() {
			e.through = now.UnixNano()
			b.plan(e)
			b.endJob()
		}
		a.agenda.replan(e, now)
	}
	b.flush()
}

// planForward records what the clock has leapt over, and makes up for none of it.
func (a *schedulerActor) planForward(ctx actor.Context, now time.Time, why string) {
	b := a.newBatch(ctx)
	for _, e := range a.agenda.jobs {
		if due := e.nextDue(); a.firing && !e.paused && !due.IsZero() && !due.After(now) {
			a.catchUp(b, e, now, due.Add(-1), gap{why: why})
			b.endJob()
		}
	}
	b.flush()
}

// madeUp is when a job's missed firings were last made up for.
type madeUp struct {
	at    time.Time
	armed bool // for one that was armed, which the executors found
}

// makeUp starts runs for missed firings.
func (a *schedulerActor) makeUp(b *batch, e *jobEntry, now time.Time, dues []time.Time) {
	if !a.mayMakeUp(e, now, len(dues), false) {
		return
	}
	for _, due := range dues {
		b.makeUp(e, a.makeUpOf(e, due, now))
	}
}

// mayMakeUp reports whether so many missed firings of a job are made up for. What a gap swallowed
// is found by the scheduler, but for what was armed already, which the executors find: the policy
// run_once makes up once for both.
func (a *schedulerActor) mayMakeUp(e *jobEntry, now time.Time, count int, armed bool) bool {
	before, done := a.madeUp[e.name]
	if count == 0 || e.misfire == messages.MisfireRunOnce && done && (armed || before.armed) {
		return false
	}
	a.madeUp[e.name] = madeUp{at: now, armed: armed}
	return true
}

func (a *schedulerActor) makeUpOf(e *jobEntry, due, now time.Time) *task {
	return &task{
		run: a.system.plannedRun(e.name, messages.TriggerMisfire, due), at: now,
		overlap: overlapOfMakeUp(e.misfire, e.overlap),
	}
}

// forgetMadeUp ends what counts as one gap.
func (a *schedulerActor) forgetMadeUp(now time.Time) {
	for name, last := range a.madeUp {
		if age := now.Sub(last.at); age < 0 || age > longestSleep {
			delete(a.madeUp, name)
		}
	}
}

// onFiringMissed records that a firing that was armed is missed, and, where the job's policy says
// so, the run that makes up for it: together, or a kill between the two would leave it missed for
// good.
func (a *schedulerActor) onFiringMissed(m firingMissed) {
	now := time.Now()
	e, ok := a.agenda.jobs[m.task.run.ScriptName]
	makesUp := ok && e.fires() && !e.paused && a.firing && e.misfire != messages.MisfireSkip
	if !makesUp || !a.mayMakeUp(e, now, 1, true) {
		a.system.settleUnrun(m.task, messages.RunMissed, m.reason)
		return
	}
	next := a.makeUpOf(e, m.task.run.DueAt, now)
	next.run.Armed = false // as a next attempt: it starts when it is recorded to
	missed := m.task.outcome(messages.RunMissed, m.reason, now)
	a.system.counts.ended(&missed, false)
	rows := []messages.Row{messages.RunRow{Run: missed}, messages.RunRow{Run: next.run}}
	change := messages.Change{Origin: messages.OriginAgent(), Rows: rows}
	out := &outcome{change: change, of: m.task, retry: next}
	a.system.outcomes.submit(out, func() { a.system.tell(nameExecutors, again{next}) })
}

// tooLate is the reason of a firing that could not start in its time. c is what the clocks did
// since it was armed.
func tooLate(c hostclock.Change, late, grace time.Duration) string {
	if c.Suspended >= clockStep || c.Set >= clockStep {
		return fmt.Sprintf("%s, and the firing could start only %s after its time; %s are allowed",
			lateSince(c), late.Round(time.Millisecond), grace)
	}
	return fmt.Sprintf("the agent was stopped, suspended or held up: it could start it only %s "+
		"after its time, and %s are allowed",
		late.Round(time.Millisecond), grace)
}
