package actors

import (
	"maps"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/process"
	"gusty/messages"
)

// What happens to runs whose agent, or whose executors actor, is gone.

// recovery is one look at the runs that the store has as active.
type recovery struct {
	actor *executorsActor
	now   time.Time
	// again: an earlier instance of the actor lived in this process. What its executions have not
	// begun was never started.
	again    bool
	lastSeen time.Time // when the earlier life was last known to be alive; zero: unknown
	orphans  []process.Orphan
}

// recover settles the runs that the store has as active: those of an earlier life of the agent, and
// those that this actor's earlier instance lost. A run that may have started is never started
// again.
func (a *executorsActor) recover(ctx actor.Context, now time.Time) error {
	// What is under way, or on its way to the store, is looked at before the load: after it, it
	// might show in neither.
	pending := a.system.outcomes.pending()
	alive := a.adopt(ctx)
	_, starts, _ := a.system.member(nameExecutors).vital.look()
	r := recovery{actor: a, now: now, again: starts > 0, lastSeen: a.system.lastSeen}
	runs, err := r.load()
	if err != nil {
		return err
	}
	maps.Copy(runs, pending)
	for id, run := range runs {
		if !alive[id] && run.State.Active() {
			r.settle(run)
		}
	}
	if len(r.orphans) > 0 && a.system.Config().Text(messages.ParamOrphanPolicy) != "leave" {
		go a.system.endOrphans(r.orphans)
	}
	a.dispatch(ctx)
	return nil
}

// adopt books the executions that an earlier instance left under way, each until it says that it is
// over. Each records its own end.
func (a *executorsActor) adopt(ctx actor.Context) (alive map[string]bool) {
	alive = map[string]bool{}
	left := map[string][]*execution{}
	for _, x := range a.system.live.all() {
		alive[x.id] = true
		if !x.over.Load() {
			left[x.key] = append(left[x.key], x)
		}
	}
	for key, all := range left {
		w := a.worker(ctx, key, all...)
		for _, x := range all {
			a.book(w, x.task)
		}
	}
	return alive
}

// load returns the active runs. Those of an earlier life of the agent were read before any actor
// began to write new ones beside them.
func (r *recovery) load() (map[string]messages.Run, error) {
	s := r.actor.system
	if !r.again {
		r.actor.loaded = s.inheritedTx
		return maps.Clone(s.inherited), nil
	}
	runs, txID, err := loadActive(s.opt.Store)
	r.actor.loaded = txID
	return runs, err
}

// loadActive reads all before anything is done about them: a read of the store must not begin
// within another.
func loadActive(store Store) (map[string]messages.Run, uint64, error) {
	runs := map[string]messages.Run{}
	txID, err := store.LoadActiveRuns(func(run messages.Run) error {
		runs[run.ID] = run
		return nil
	})
	return runs, txID, err
}

// settle resumes a run that certainly never started, and ends the record of any other.
func (r *recovery) settle(run messages.Run) {
	neverStarted := run.State == messages.RunQueued && r.neverStarted(&run)
	switch {
	case neverStarted && run.Kind == messages.RunOfJob:
		r.resume(run)
		return
	case neverStarted && r.carriesScript(&run):
		r.put(&task{run: run, at: run.DueAt, overlap: messages.OverlapAllow, async: true})
		return
	case neverStarted:
		run.Reason = "the agent ended before it started" + r.seen()
		if r.again {
			run.Reason = "the agent's executors failed before it started"
		}
		run.State, run.EndedAt, run.Armed = messages.RunInterrupted, r.endOf(&run,
			time.Time{}), false
		r.actor.system.record(run, nil)
		return
	}
	r.orphans = append(r.orphans, process.Orphan{
		Mark:       run.ID,
		PID:        run.PID,
		StartTicks: run.PIDStart,
		StartedAt:  run.StartedAt,
	})
	reason := "the agent ended before its start could be recorded; it may have run"
	switch {
	case run.State == messages.RunRunning && r.again:
		reason = "the agent's executors lost it while it ran"
	case run.State == messages.RunRunning:
		reason = "the agent ended while it ran"
	}
	r.recordInterrupted(run, reason)
}

// neverStarted reports whether a queued run certainly was not started. Where nothing vouches for
// that, as after a power cut, its row reports whether it only waited, and the clock whether its
// time has come.
func (r *recovery) neverStarted(run *messages.Run) bool {
	if r.again {
		return true
	}
	switch r.actor.system.opt.Store.StartOf(run.ID) {
	case messages.StartNone:
		return true
	case messages.StartNoted:
		return false
	default:
		return !run.Armed || run.DueAt.After(r.now)
	}
}

// resume queues the run again. The overlap policy is the job's of now.
func (r *recovery) resume(run messages.Run) {
	job, err := r.actor.system.opt.Store.Job(run.ScriptName)
	t := &task{run: run, at: r.startAt(&run, &job.Options), overlap: job.Options.OverlapPolicy}
	t.row.stored.Store(true)
	switch {
	case err != nil:
		r.actor.system.settleUnrun(t, messages.RunSkipped,
			"the job was deleted, or could not be read, before it started")
		return
	case r.lapsed(&run, &job.Options):
		r.actor.system.settleUnrun(t, messages.RunMissed, "the agent ended while it waited"+
			r.seen())
		return
	}
	if run.Trigger == messages.TriggerMisfire {
		t.overlap = overlapOfMakeUp(job.Options.MisfirePolicy, job.Options.OverlapPolicy)
	}
	r.put(t)
}

// put queues the task of a run that has its row.
func (r *recovery) put(t *task) {
	t.recorded = true
	t.row.stored.Store(true)
	r.actor.resumed[t.run.ID] = t
	r.actor.put(t)
}

// carriesScript reports whether a run came with its script and its client was told that it will
// run.
func (r *recovery) carriesScript(run *messages.Run) bool {
	if run.Kind != messages.RunOfScript {
		return false
	}
	_, err := r.actor.system.opt.Store.RunScript(run.ID)
	return err == nil
}

// startAt returns when a run that was not started does: at its due time, or within what is left of
// its job's jitter.
func (r *recovery) startAt(run *messages.Run, o *messages.JobOptions) time.Time {
	end := run.DueAt.Add(time.Duration(o.JitterSeconds) * time.Second)
	from := laterOf(run.DueAt, r.now)
	if run.Trigger != messages.TriggerSchedule || !end.After(from) {
		return run.DueAt
	}
	return from.Add(rand.N(end.Sub(from))) //nolint:gosec // jitter is no secret
}

// lapsed reports whether a firing that waited is missed: the agent was down for longer than the job
// allows one to be late, and its policy makes up for none.
func (r *recovery) lapsed(run *messages.Run, o *messages.JobOptions) bool {
	if r.again || run.Trigger != messages.TriggerSchedule ||
		misfireOf(o.MisfirePolicy) != messages.MisfireSkip {
		return false
	}
	grace := max(hardlyLate, time.Duration(o.MisfireGraceSeconds)*time.Second)
	// it lived for up to that much longer
	return r.now.Sub(laterOf(run.DueAt, r.lastSeen.Add(lastSeenInterval))) > grace
}

func (r *recovery) seen() string {
	if r.again || r.lastSeen.IsZero() {
		return ""
	}
	return "; the agent was last seen at " + stamp(r.lastSeen)
}

func (s *System) endOrphans(orphans []process.Orphan) {
	err := guarded(func() error {
		n, err := s.opt.Launcher.EndOrphans(orphans)
		if n > 0 {
			s.log.Warn("processes of interrupted runs were still there and were ended", "actor",
				nameExecutors, "runs", n)
		}
		return err
	})
	if err != nil {
		s.log.Error("processes of interrupted runs could not be ended", "actor", nameExecutors,
			"error", err)
	}
}
