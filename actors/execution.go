package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/process"
	"gusty/messages"
)

// execution is one run under way: a goroutine that starts the process, waits for it, and records
// how it ended. It outlives its executor if it must: whoever wants it to end says so by end.
type execution struct {
	system *System
	parent *actor.PID // the executors
	key    string
	id     string
	task   *task
	log    *slog.Logger

	ends  chan ending   // at most one waits: the first word counts
	over  atomic.Bool   // set before the parent is told that the slot is free
	owner atomic.Uint64 // the number of its executor

	mu  sync.Mutex
	run messages.Run
}

// ending is why a run is ended before it ends by itself.
type ending struct {
	state    messages.RunState
	reason   string
	grace    time.Duration // between SIGTERM and SIGKILL
	hasGrace bool          // else it is the job's own
}

func newExecution(s *System, parent *actor.PID, key string, t *task) *execution {
	return &execution{
		system: s, parent: parent, key: key, id: t.run.ID, task: t, run: t.run,
		ends: make(chan ending, 1),
		log:  s.log.With("actor", nameExecutor, "job", t.run.ScriptName, "run_id", t.run.ID),
	}
}

// end asks the run to end. The first reason counts.
func (x *execution) end(e ending) {
	select {
	case x.ends <- e:
	default:
	}
}

// snapshot returns the run as it stands.
func (x *execution) snapshot() messages.Run {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.run
}

func (x *execution) update(f func(*messages.Run)) messages.Run {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(&x.run)
	return x.run
}

// carryOut is the whole life of the run. A panic in it is one failed run of its job.
func (x *execution) carryOut() {
	defer x.system.live.remove(x.id)
	var job *messages.Job
	err := guarded(func() (err error) {
		if job, err = x.job(); err == nil {
			err = x.perform(job)
		}
		return err
	})
	if errors.Is(err, errLeft) {
		x.free(nil)
		return
	}
	if err != nil {
		x.fail(err)
	}
	err = guarded(func() error { x.finish(job); return nil })
	if err == nil {
		return
	}
	x.fault(err)
	if err = guarded(func() error { x.finish(nil); return nil }); err != nil {
		// without documents and a retry
		x.log.Error("the end of a run could not be recorded", "cause", err, "stack", stackOf(err))
		x.free(nil)
	}
}

// fail notes why there is no outcome of a process.
func (x *execution) fail(err error) {
	state := messages.RunFailed
	if messages.CodeOf(err) == messages.CodeNotFound {
		state = messages.RunSkipped // deleted since it was planned
	}
	x.update(func(r *messages.Run) {
		r.State, r.Reason, r.EndedAt = state, reasonOf(err), time.Now()
	})
	if isPanic(err) {
		x.fault(err)
		return
	}
	x.log.Warn("run could not be started", "error", err)
}

// fault reports a bug: to the log, and to the parent, who counts.
func (x *execution) fault(err error) {
	x.log.Error("run failed by a fault of the agent's own", "cause", err, "stack", stackOf(err))
	x.tellParent(jobFault{key: x.key, cause: err.Error()})
}

// reasonOf returns the sentence that a client may read.
func reasonOf(err error) string {
	var start *process.StartError
	switch {
	case isPanic(err):
		return "a fault of the agent's own; the log has it under this run's id"
	case errors.As(err, &start):
		return start.Sentence
	case messages.CodeOf(err) == messages.CodeNotFound:
		return "the job was deleted before it started"
	case messages.AsError(err) != nil:
		return messages.AsError(err).Error()
	default:
		return "it could not be started; the log has the cause under this run's id"
	}
}

// job returns what is to run: the stored job as it is now, or what came with the request.
func (x *execution) job() (*messages.Job, error) {
	switch x.run.Kind {
	case messages.RunOfScript:
		return x.script()
	case messages.RunOfCommand:
		options := messages.DefaultJobOptions()
		options.TimeoutSeconds = int(x.task.timeout / time.Second)
		return &messages.Job{Name: messages.CommandName, Options: options}, nil
	default:
		job, err := x.system.opt.Store.Job(x.run.ScriptName)
		if err != nil {
			return nil, fmt.Errorf("read the job: %w", err)
		}
		return &job, nil
	}
}

func (x *execution) script() (*messages.Job, error) {
	if x.task.script != nil {
		return x.task.script, nil
	}
	job, err := x.system.opt.Store.RunScript(x.id)
	if err != nil {
		return nil, fmt.Errorf("read the script: %w", err)
	}
	return &job, nil
}

// perform starts the process and waits for it.
func (x *execution) perform(job *messages.Job) error {
	output := x.system.opt.Store.NewOutput(x.id, job.Options.OutputLimitBytes)
	var started Process
	done := false
	defer func() {
		if !done {
			abandon(started, output)
		}
	}()
	spec, err := x.spec(job, output)
	if err != nil {
		x.system.starts.failed(err)
		return err
	}
	if started, err = x.start(spec); started == nil {
		return err
	}
	x.started(started)
	over, result := x.await(started, job)
	done = true
	summary, unkept := output.Close()
	x.ended(job, over, result, summary)
	if unkept != nil {
		x.log.Warn("a part of the output could not be stored", "error", unkept)
		x.update(func(r *messages.Run) { r.Reason = joined(r.Reason, reasonUnkept(unkept)) })
	}
	return nil
}

// abandon ends what a failed attempt has begun: nobody else waits for the process, and the output's
// files are open.
func abandon(p Process, output Output) {
	if p != nil {
		p.Terminate(0)
		// reaps it; there is no run left to tell
		go func() { _ = guarded(func() error { p.Wait(); return nil }) }()
	}
	_, _ = output.Close() // there is no summary to put it in
}

// started records the process, without waiting for the record.
func (x *execution) started(p Process) {
	run := x.update(func(r *messages.Run) {
		r.State, r.StartedAt, r.PID, r.PIDStart, r.Armed =
			messages.RunRunning, p.StartedAt(), p.PID(), p.StartTicks(), false
	})
	x.system.counts.started(run.StartedAt.Sub(x.task.at), run.Trigger == messages.TriggerSchedule)
	x.log.Debug("run started", "pid", run.PID)
	x.task.row.leaves()
	x.system.opt.Store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   []messages.Row{messages.RunRow{Run: run}},
	},
		func(c messages.Committed) {
			x.task.row.arrives(c.Err)
			if c.Err != nil {
				x.log.Warn("the start of a run was not recorded", "error", c.Err)
			}
		})
}

// await waits for the process, and ends it when its time is over or somebody asks for that.
func (x *execution) await(p Process, job *messages.Job) (over ending, result process.Result) {
	exited := make(chan process.Result, 1)
	go func() { exited <- waitFor(p) }()
	var timeout <-chan time.Time
	if job.Options.TimeoutSeconds > 0 {
		timer := time.NewTimer(time.Duration(job.Options.TimeoutSeconds) * time.Second)
		defer timer.Stop()
		timeout = timer.C
	}
	for {
		var e ending
		select {
		case result = <-exited:
			return over, result
		case <-timeout:
			e = ending{
				state:  messages.RunTimedOut,
				reason: fmt.Sprintf("it ran longer than %d s", job.Options.TimeoutSeconds),
			}
		case e = <-x.ends:
		}
		if over.state == "" {
			over = e
		}
		p.Terminate(e.graceFor(job))
	}
}

// waitFor waits for the process; a panic on the way is an exit that could not be observed.
func waitFor(p Process) (result process.Result) {
	err := guarded(func() error { result = p.Wait(); return nil })
	if err != nil {
		return process.Result{ExitCode: -1, Ended: time.Now(), Err: err}
	}
	return result
}

// graceFor returns the time between SIGTERM and SIGKILL.
func (e *ending) graceFor(job *messages.Job) time.Duration {
	own := time.Duration(job.Options.KillGraceSeconds) * time.Second
	if e.hasGrace {
		return min(own, e.grace)
	}
	return own
}

func (x *execution) tellParent(message any) { x.system.actors.Root.Send(x.parent, message) }
