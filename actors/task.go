package actors

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/hostclock"
	"gusty/messages"
)

// task is a run that is to start: its record, when, and what it needs beside the stored job.
type task struct {
	dueSlot

	run     messages.Run
	at      time.Time // when it starts
	overlap messages.OverlapPolicy
	misfire messages.MisfirePolicy
	// the clocks when it was armed; zero where that was in an earlier life
	seen hostclock.Reading
	// a firing of the schedule that starts later than this after its time is a missed one; 0: never
	grace time.Duration

	script  *messages.Job // that came with the request; nil after a restart: the row carries it
	command string        // of a command line
	timeout time.Duration // of a command line

	async bool       // the asker is answered when the run is recorded, not when it has ended
	asker *actor.PID // nil: nobody waits

	follower *task // of an attempt that waits: a firing that waits behind it

	// its row was written before: a client has been told, or the store has it from an earlier life
	recorded bool
	// its row says, whatever run.Armed does, that it only waits; for the executors actor alone
	waits bool
	row   rowTrace
	fate  atomic.Int32
}

// rowTrace records whether the store has a row of a run. No row of it is submitted after the one of
// its end.
type rowTrace struct {
	stored atomic.Bool
	under  atomic.Int32 // rows that are with the store and not committed
}

func (r *rowTrace) leaves() { r.under.Add(1) }

func (r *rowTrace) arrives(err error) {
	if err == nil {
		r.stored.Store(true)
	}
	r.under.Add(-1)
}

// onWay reports whether it can't be told yet.
func (r *rowTrace) onWay() bool { return r.under.Load() > 0 }

// The fates of a task. Whoever moves it away from taskOpen owns it.
const (
	taskOpen  int32 = iota
	taskTaken       // its execution exists, or its outcome is recorded
	taskLost        // whoever held it failed before that
	// its row is being handed to the store: nobody may record an outcome before that
	taskBusy
)

func (t *task) take() bool { return t.fate.CompareAndSwap(taskOpen, taskTaken) }
func (t *task) lose() bool { return t.fate.CompareAndSwap(taskOpen, taskLost) }
func (t *task) open() bool { return t.fate.Load() == taskOpen }

// noteWaits records that tasks only wait, so that they resume after a crash. Where that cannot be
// written their rows go on to say that they may have started: then they are interrupted, which is
// the safe side.
func (s *System) noteWaits(tasks ...*task) {
	rows := make([]messages.Row, 0, len(tasks))
	told := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		if !t.fate.CompareAndSwap(taskOpen, taskBusy) {
			continue
		}
		defer t.fate.Store(taskOpen)
		run := t.run
		run.Armed = false
		rows, told = append(rows, messages.RunRow{Run: run}), append(told, t)
		t.row.leaves()
	}
	if len(rows) == 0 {
		return
	}
	s.opt.Store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   rows,
	}, func(c messages.Committed) {
		for _, t := range told {
			t.row.arrives(c.Err)
		}
		if c.Err != nil {
			s.log.Warn("that runs wait was not recorded", "actor", nameExecutors, "runs", len(rows),
				"error", c.Err)
		}
	})
}

// stays reports whether a task that did not start before the agent stops is there for the next
// start: its row has all that it needs.
func (t *task) stays() bool {
	return t.run.Kind == messages.RunOfJob || t.run.Kind == messages.RunOfScript && t.async
}

// recordWaiting writes the row of a task that has none, since the storage took none when it was
// due. The row of any other says that it waits when the agent has stopped.
func (s *System) recordWaiting(t *task) {
	if !t.row.stored.Load() && !t.row.onWay() {
		s.noteWaits(t)
	}
}

// key names the executor that a task belongs to: one for each job, and one for each run that came
// with a request.
func (t *task) key() string {
	if t.run.Kind == messages.RunOfJob {
		return t.run.ScriptName
	}
	return "\x00" + t.run.ID
}

// outcome returns the run as it ends without having been started.
func (t *task) outcome(state messages.RunState, reason string, now time.Time) messages.Run {
	run := t.run
	run.State, run.Reason, run.EndedAt, run.Armed = state, reason, now, false
	return run
}

// settleUnrun records how a run ended that was never started, and answers who waits for it.
func (s *System) settleUnrun(t *task, state messages.RunState, reason string) messages.Run {
	run := t.outcome(state, reason, time.Now())
	s.record(run, t)
	if t.asker != nil {
		s.answer(t.asker, messages.RunFinished{Run: run})
	}
	return run
}

// record writes the end of a run that was never started. The task is the run's; nil: the store has
// its row.
func (s *System) record(run messages.Run, of *task) {
	s.counts.ended(&run, false)
	s.outcomes.submit(&outcome{
		change: messages.Change{
			Origin: messages.OriginAgent(),
			Rows:   []messages.Row{messages.RunRow{Run: run}},
		},
		of: of,
	}, nil)
}

// answerLost tells who waits for a task that its holder lost it.
func (s *System) answerLost(t *task, who string) {
	if t.asker != nil {
		s.answer(t.asker, messages.Unavailable(who))
	}
}

// quoted writes a client's text for a sentence.
func quoted(text string) string { return strconv.QuoteToGraphic(text) }
