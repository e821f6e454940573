package actors

import (
	"fmt"
	"slices"

	"gusty/internal/process"
	"gusty/messages"
)

// How a run's end is judged, recorded and told.

// ended notes how the process ended.
func (x *execution) ended(job *messages.Job, over ending, result process.Result,
	summary messages.OutputSummary,
) {
	if result.Err != nil {
		x.log.Warn("a run did not end cleanly", "error", result.Err)
	}
	x.update(func(r *messages.Run) {
		r.EndedAt, r.Signal, r.Output = result.Ended, result.Signal, summary
		r.Usage = messages.Usage{
			CPUUser:     result.CPUUser,
			CPUSystem:   result.CPUSystem,
			MaxRSSBytes: result.MaxRSSBytes,
		}
		if result.Signal == "" && result.ExitCode >= 0 {
			code := result.ExitCode
			r.ExitCode = &code
		}
		r.State, r.Reason = judge(job, over, &result)
	})
}

// judge tells the run's state from how its process ended. Whoever ended it has the first word.
func judge(job *messages.Job, over ending, result *process.Result) (messages.RunState, string) {
	switch {
	case over.state != "":
		return over.state, over.reason
	case result.Shortage == process.ShortageOfLimit:
		return messages.RunFailed, "it reached its memory limit"
	case result.Signal != "":
		return messages.RunFailed, reasonOfSignal(result)
	case result.ExitCode < 0:
		return messages.RunFailed, "its exit could not be observed; the log has the cause under " +
			"this run's id"
	case slices.Contains(job.Options.SuccessExitCodes, result.ExitCode):
		return messages.RunSucceeded, reasonOfKills(result)
	default:
		return messages.RunFailed,
			joined(fmt.Sprintf("it exited with %d", result.ExitCode), reasonOfKills(result))
	}
}

const memoryRanOut = "because memory ran out"

// reasonOfSignal is for a main process that a signal ended. The kernel's is SIGKILL; another one
// has little to do with memory.
func reasonOfSignal(result *process.Result) string {
	switch {
	case result.Signal != "SIGKILL":
		return joined("it was ended by "+result.Signal, reasonOfKills(result))
	case result.Shortage == process.ShortageOfHost:
		return "the kernel ended it " + memoryRanOut
	case result.Shortage == process.ShortageNearby:
		return "it was ended by SIGKILL; it seems that the kernel ended it " + memoryRanOut
	default:
		return "it was ended by SIGKILL"
	}
}

// exitOfKilled is what a shell exits with whose last command was ended by SIGKILL.
const exitOfKilled = 128 + 9

// reasonOfKills tells of the kernel's kills among a run's processes; empty: there were none, or
// none that the run seems to have noticed.
func reasonOfKills(result *process.Result) string {
	switch {
	case result.Shortage == process.ShortageOfHost:
		return "the kernel ended processes of it " + memoryRanOut
	case result.Shortage == process.ShortageNearby && result.ExitCode == exitOfKilled:
		return "it seems that the kernel ended processes of it " + memoryRanOut
	case result.Shortage == process.ShortageNearby:
		return "meanwhile the kernel ended processes " + memoryRanOut + ", maybe some of it"
	default:
		return ""
	}
}

// reasonUnkept says why not all of the output is there.
func reasonUnkept(err error) string {
	if e := messages.AsError(err); e != nil {
		return e.Message
	}
	return "a part of the output could not be kept; the log has the cause under this run's id"
}

// joined adds a sentence to a reason. Either may be empty.
func joined(reason, more string) string {
	if reason == "" || more == "" {
		return reason + more
	}
	return reason + "; " + more
}

// finish records the outcome with its documents and a retry in one transaction, and frees the slot
// without waiting for it. Who waits for the run is answered when the record is durable (or waits
// for a storage that takes none now: the run is a fact).
func (x *execution) finish(job *messages.Job) {
	run := x.update(func(r *messages.Run) { r.Armed = false })
	change, retry := x.finalChange(job, &run)
	x.system.counts.ended(&run, !run.StartedAt.IsZero())
	x.log.Info("run ended", "state", string(run.State), "reason", run.Reason, "duration_ms",
		run.Duration(run.EndedAt).Milliseconds())
	recorded := make(chan struct{})
	x.system.outcomes.submit(&outcome{change: change, of: x.task, retry: retry}, func() {
		close(recorded)
	})
	x.free(retry)
	<-recorded
	if retry != nil {
		x.tellParent(again{retry})
	}
	x.reply(run)
}

// free tells the parent that the slot is free, and which attempt follows.
func (x *execution) free(retry *task) {
	x.over.Store(true)
	x.tellParent(runOver{key: x.key, runID: x.id, retry: retry})
}

// finalChange is what of the run becomes durable together.
func (x *execution) finalChange(job *messages.Job, run *messages.Run) (change messages.Change,
	retry *task,
) {
	change = messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   []messages.Row{messages.RunRow{Run: *run}},
	}
	if job == nil {
		return change, nil
	}
	if job.OpenSearchEnabled {
		config := x.system.Config()
		for _, d := range x.system.outputDocuments(config, run, job, run.EndedAt) {
			change.Rows = append(change.Rows, documentRow(config, d))
		}
	}
	if retry = x.retry(job, run); retry != nil {
		change.Rows = append(change.Rows, messages.RunRow{Run: retry.run})
	}
	return change, retry
}

// reply answers who waits for the run.
func (x *execution) reply(run messages.Run) {
	if x.task.asker == nil {
		return
	}
	finished := messages.RunFinished{Run: run}
	if err := guarded(func() error { return x.readOutput(&finished) }); err != nil {
		x.log.Error("the output of a run could not be read back", "error", err)
	}
	x.system.answer(x.task.asker, finished)
}

func (x *execution) readOutput(f *messages.RunFinished) error {
	take := func(c messages.OutputChunk) error {
		to := &f.Stdout
		if c.Stream == messages.Stderr {
			to = &f.Stderr
		}
		if c.Skipped > 0 {
			*to = fmt.Appendf(*to, "\n[gusty: %d bytes left out]\n", c.Skipped)
			return nil
		}
		*to = append(*to, c.Data...)
		return nil
	}
	if f.Run.Output.InFile {
		return x.system.opt.Store.EachOutput(x.id, take)
	}
	for _, c := range f.Run.Output.Inline {
		if err := take(c); err != nil {
			return err
		}
	}
	return nil
}
