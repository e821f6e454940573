package actors

import (
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/kballard/go-shellquote"

	"gusty/messages"
)

// What the scheduler does for clients: store, delete, pause and run jobs.

func (a *schedulerActor) onPutJob(ctx actor.Context, m messages.PutJob) {
	if err := a.checkJob(&m); err != nil {
		respond(ctx, refusal(err, "the scheduler"))
		return
	}
	now := time.Now()
	row := messages.JobRow{
		Job:      m.Job,
		Patch:    &m.Patch,
		Expect:   m.Expect,
		AnchorAt: now.Truncate(time.Second),
	}
	rows := []messages.Row{row}
	if e, known := a.agenda.jobs[m.Job.Name]; known && e.beginsAnew(&m) {
		state := messages.JobState{PlannedThrough: laterOf(now.Truncate(time.Second), e.armed(now))}
		rows = append(rows, messages.JobStateRow{
			Name:  m.Job.Name,
			State: state,
			Part:  messages.PlannedPart,
		})
	}
	a.system.submit(ctx, messages.Change{
		Origin: m.Origin,
		Rows:   rows,
	}, func(c messages.Committed) any {
		return jobCommitted{name: m.Job.Name, committed: c}
	})
}

// onCheckJob answers as onPutJob would, without storing anything.
func (a *schedulerActor) onCheckJob(ctx actor.Context, m messages.CheckJob) {
	if err := a.checkJob(&messages.PutJob{Job: m.Job, Patch: m.Patch}); err != nil {
		respond(ctx, refusal(err, "the scheduler"))
		return
	}
	zone := m.Patch.Apply(messages.DefaultJobOptions()).TimeZone
	plan, err := parsePlan(m.Job.CronExpression, zone)
	if err != nil {
		respond(ctx, refusal(err, "the scheduler"))
		return
	}
	now := time.Now()
	respond(ctx, messages.JobChecked{Warning: plan.warning(now, now.Truncate(time.Second))})
}

// checkJob checks what the job's own Validate cannot: the expression, the zone, the quoting, and
// what this host can hold.
func (a *schedulerActor) checkJob(m *messages.PutJob) error {
	job := m.Job
	job.Options = m.Patch.Apply(messages.DefaultJobOptions())
	if err := job.Validate(); err != nil {
		return err
	}
	if _, err := parsePlan(job.CronExpression, job.Options.TimeZone); err != nil {
		return err
	}
	if _, err := splitArguments(job.Arguments); err != nil {
		return err
	}
	if dir := job.Options.WorkingDirectory; dir != "" && !filepath.IsAbs(dir) {
		return messages.Invalidf("working_directory", "%q is not an absolute path on this host",
			dir)
	}
	if a.system.opt.CheckLimits != nil {
		return a.system.opt.CheckLimits(&job.Options)
	}
	return nil
}

// splitArguments splits as a POSIX shell would, without expansion.
func splitArguments(arguments string) ([]string, error) {
	words, err := shellquote.Split(arguments)
	if err != nil {
		return nil, messages.Invalidf("arguments", "cannot be split as a shell would: %v", err)
	}
	return words, nil
}

func (a *schedulerActor) onDeleteJob(ctx actor.Context, m messages.DeleteJob) {
	change := messages.Change{
		Origin: m.Origin,
		Rows:   []messages.Row{messages.JobGone{Name: m.Name}},
	}
	a.system.submit(ctx, change, func(c messages.Committed) any {
		return jobCommitted{name: m.Name, gone: true, committed: c}
	})
}

func (a *schedulerActor) onJobCommitted(ctx actor.Context, m jobCommitted) {
	switch {
	case m.committed.Err != nil:
		respond(ctx, refusal(m.committed.Err, "the store"))
	case m.gone:
		a.onJobGone(ctx, m)
	default:
		a.onJobStored(ctx, m)
	}
}

func (a *schedulerActor) onJobGone(ctx actor.Context, m jobCommitted) {
	if m.committed.TxID > a.loaded {
		a.agenda.remove(m.name)
		delete(a.system.planned, m.name)
		a.system.tell(nameExecutors, disarmTasks{name: m.name, why: whyDeleted, gone: true})
		a.arm(ctx)
		a.count()
	}
	respond(ctx, messages.JobDeleted{Name: m.name})
}

func (a *schedulerActor) onJobStored(ctx actor.Context, m jobCommitted) {
	now := time.Now()
	if m.committed.TxID > a.loaded {
		a.apply(ctx, m.committed, now)
	}
	reply := messages.JobPut{Name: m.name}
	if e, ok := a.agenda.jobs[m.name]; ok {
		reply.Next = e.nextDue()
		if e.plan != nil {
			reply.Warning = e.plan.warning(now, fromUnixNano(e.anchor))
		}
	}
	respond(ctx, reply)
}

// apply makes a durable change of a job true in memory.
func (a *schedulerActor) apply(ctx actor.Context, c messages.Committed, now time.Time) {
	head := c.Job.Head()
	head.State = c.State
	a.take(&head, now)
	a.arm(ctx)
	a.count()
}

// take plans a job as it is stored now; the timer and the counters are its caller's.
func (a *schedulerActor) take(head *messages.JobHead, now time.Time) {
	after := now
	before, known := a.agenda.jobs[head.Name]
	if known && before.plan != nil &&
		before.plan.key == planKeyOf(head.CronExpression, head.TimeZone) {
		// What is armed already must not be armed again: the plan goes on behind it.
		after = laterOf(now, fromUnixNano(before.through))
		head.State.PlannedThrough = laterOf(head.State.PlannedThrough, fromUnixNano(before.through))
	} else if known {
		after = a.changePlan(before, head, now)
	}
	if known && before.enabled && !head.Enabled {
		a.disarmWhole(head.Name, whySwitchedOff)
	}
	if known && !before.paused && head.State.Paused {
		a.disarmWhole(head.Name, whyPaused)
	}
	a.agenda.put(head, after)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// disarm takes back firings of a job that are recorded ahead and have not started.
func (a *schedulerActor) disarm(name, why string) {
	a.system.tell(nameExecutors, disarmTasks{name: name, why: why})
}

// disarmWhole takes back the attempts that follow on a failed one, too: nothing of the job starts
// by itself any more.
func (a *schedulerActor) disarmWhole(name, why string) {
	a.system.tell(nameExecutors, disarmTasks{name: name, why: why, next: true})
}

func (a *schedulerActor) onRunJob(ctx actor.Context, m messages.RunJob) {
	e, ok := a.agenda.jobs[m.Name]
	switch {
	case !ok:
		respond(ctx, noSuchJob(m.Name))
		return
	case e.quarantined:
		respond(ctx, messages.Errorf(messages.CodeConflict, "the job is quarantined (%s); PUT "+
			"/agent/job/resume lifts it", e.reason))
		return
	}
	run := a.system.newRun(m.Name, messages.RunOfJob, m.Origin.Principal)
	request := runTask{
		task:   &task{run: run, at: run.DueAt, overlap: e.overlap, async: true},
		origin: m.Origin,
	}
	ctx.RequestWithCustomSender(a.system.member(nameExecutors).pid.Load(), request, ctx.Sender())
}

// newRun makes a run that a client asked for: due now.
func (s *System) newRun(name string, kind messages.RunKind, principal string) messages.Run {
	return messages.Run{
		ID: s.ids.next(), ScriptName: name, Kind: kind, State: messages.RunQueued,
		Trigger: messages.TriggerAPI, Principal: principal,
		Attempt: 1, DueAt: time.Now().UTC(), Armed: true,
	}
}
