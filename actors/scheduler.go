package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

const (
	// armLead is how far ahead of its time a firing is recorded, so that no commit stands between
	// due time and start. Due times are whole seconds: it is none, so that the record of one
	// second's firings is not written while those of the second before start.
	armLead = 700 * time.Millisecond
	// hardlyLate is how late a firing may be noticed, or start, whatever its job says.
	hardlyLate = time.Second
	// longestSleep bounds the timer, so that a step of the clock or a suspended host is noticed
	// within it.
	longestSleep = 5 * time.Second
)

// schedulerActor owns the heap of due times and the switch that pauses all firing. It decides what
// fires and records what was missed; what runs is the executors' matter.
type schedulerActor struct {
	system *System
	agenda *agenda
	loaded uint64 // the transaction that the agenda was loaded from
	firing bool
	since  time.Time // when firing was last switched

	timer *time.Timer
	ticks uint64 // the number of the armed timer: what an older one sends is stale
	// how often all was planned anew after the clock was set: what was armed before that is stale
	clocks int
	madeUp map[string]madeUp // by job, for some seconds
}

// The scheduler's private messages.
type (
	tick         struct{ number uint64 }
	clockSet     struct{}
	jobCommitted struct {
		name      string
		gone      bool
		committed messages.Committed
	}
	stateCommitted struct {
		name      string
		state     messages.JobState
		lookBack  bool // a pause ended: what fell due meanwhile is recorded
		committed messages.Committed
	}
	firingCommitted struct {
		on        bool
		at        time.Time
		committed messages.Committed
	}
	runsRecorded struct {
		firings   []firing
		marks     []mark
		committed messages.Committed
	}
	// quarantineJob comes from the executors: the job's executor keeps failing.
	quarantineJob struct{ name, reason string }
	// firingMissed comes from the executors: a firing that was recorded ahead could not start
	// within the job's grace. It has no outcome yet.
	firingMissed struct {
		task   *task
		reason string
	}
)

func (tick) private()            {}
func (jobCommitted) private()    {}
func (stateCommitted) private()  {}
func (firingCommitted) private() {}
func (runsRecorded) private()    {}
func (quarantineJob) private()   {}
func (clockSet) private()        {}
func (firingMissed) private()    {}

func newSchedulerActor(s *System) *schedulerActor {
	return &schedulerActor{
		system: s,
		agenda: newAgenda(),
		ticks:  s.rounds.Add(1) << 32,
		madeUp: map[string]madeUp{},
	}
}

// Receive takes requests about jobs, and the timer's ticks.
func (a *schedulerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.onLeaving()
	case tick:
		a.onTick(ctx, m)
	case clockSet:
		a.onTick(ctx, tick{a.ticks})
	case messages.PutJob:
		a.onPutJob(ctx, m)
	case messages.CheckJob:
		a.onCheckJob(ctx, m)
	case messages.DeleteJob:
		a.onDeleteJob(ctx, m)
	case jobCommitted:
		a.onJobCommitted(ctx, m)
	case messages.Import:
		a.onImport(ctx, m)
	case importCommitted:
		a.onImportCommitted(ctx, m)
	case messages.ListJobs:
		respond(ctx, messages.JobNames{Names: a.agenda.sortedNames()})
	case messages.GetJobState:
		a.onGetJobState(ctx, m)
	case messages.SetJobPaused:
		a.onSetJobPaused(ctx, m)
	case stateCommitted:
		a.onStateCommitted(ctx, m)
	case messages.SetFiring:
		a.onSetFiring(ctx, m)
	case firingCommitted:
		a.onFiringCommitted(ctx, m)
	case messages.RunJob:
		a.onRunJob(ctx, m)
	case runsRecorded:
		a.onRunsRecorded(m)
	case quarantineJob:
		a.onQuarantineJob(ctx, m)
	case firingMissed:
		a.onFiringMissed(m)
	}
}

func (a *schedulerActor) onStarted(ctx actor.Context) {
	now := time.Now()
	if err := a.load(now); err != nil {
		panic(fmt.Errorf("load the jobs: %w", err))
	}
	a.system.clock.Look(now)
	a.count()
	if a.firing {
		a.catchUpAll(ctx, now, gap{why: a.absence(now), forgiving: true, madeUp: true})
	}
	a.fireReboots(ctx, now)
	a.arm(ctx)
}

func (a *schedulerActor) load(now time.Time) error {
	firing, err := a.system.opt.Store.Setting(messages.SettingFiring)
	if err != nil {
		return err
	}
	since, err := a.system.opt.Store.Setting(messages.SettingFiringSince)
	if err != nil {
		return err
	}
	a.firing = string(firing) != "off"
	a.since, _ = time.Parse(time.RFC3339Nano, string(since))
	a.loaded, err = a.system.opt.Store.LoadJobs(func(head messages.JobHead) error {
		head.State.PlannedThrough = laterOf(head.State.PlannedThrough,
			fromUnixNano(a.system.planned[head.Name]))
		if e := a.agenda.put(&head, planFrom(head.State.PlannedThrough, now)); e.plan == nil {
			a.system.log.Warn("a stored job never fires", "actor", nameScheduler, "job", head.Name,
				"error", e.reason)
		}
		return nil
	})
	return err
}

// planFrom returns the time after which a job is planned: now, or the firing that is recorded
// ahead. A record far ahead of now is one of a clock that was set back since.
func planFrom(through, now time.Time) time.Time {
	if through.After(now) && through.Sub(now) < replanStep {
		return through
	}
	return now
}

// absence says why firings may have been missed before this instance came up.
func (a *schedulerActor) absence(now time.Time) string {
	if _, starts, _ := a.system.member(nameScheduler).vital.look(); starts > 0 {
		return "the scheduler restarted at " + stamp(now)
	}
	from := "an unknown time"
	if seen := a.system.lastSeen; !seen.IsZero() {
		from = stamp(seen)
	}
	return "the agent was down from " + from + " to " + stamp(now)
}

func (a *schedulerActor) onLeaving() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// arm sets the one timer for the head of the heap.
func (a *schedulerActor) arm(ctx actor.Context) {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.ticks++
	wait := longestSleep
	if e, ok := a.agenda.queue.head(); ok {
		wait = min(wait, max(0, time.Until(fromUnixNano(e.due).Add(-armLead))))
	}
	self, root, number := ctx.Self(), a.system.actors.Root, a.ticks
	a.timer = time.AfterFunc(wait, func() { root.Send(self, tick{number}) })
}

// count publishes the counters that follow from the agenda.
func (a *schedulerActor) count() {
	var next time.Time
	if e, ok := a.agenda.queue.head(); ok {
		next = fromUnixNano(e.due)
	}
	a.system.counts.change(func(s *messages.SchedulerStats) {
		//nolint:gosec // counts
		s.Jobs, s.Quarantined, s.Firing, s.NextDue = uint64(len(a.agenda.jobs)), uint64(
			a.agenda.quarantined), a.firing, next
	})
}
