package actors

import (
	"time"

	"gusty/messages"
)

// What the record of an interrupted run says: only what the store knows of it.

// recordInterrupted ends the record of a run that may have been under way, with what is stored of
// its output, and queues its documents with it.
func (r *recovery) recordInterrupted(run messages.Run, reason string) {
	s := r.actor.system
	lastPrinted := r.addOutput(&run)
	run.State, run.Armed = messages.RunInterrupted, false
	run.EndedAt = r.endOf(&run, lastPrinted)
	run.Reason = reason + r.seen()
	if run.EndedAt.Equal(lastPrinted) {
		run.Reason += "; it printed last at " + stamp(lastPrinted)
	}
	change := messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   []messages.Row{messages.RunRow{Run: run}},
	}
	config := s.Config()
	for _, d := range r.documents(config, &run) {
		change.Rows = append(change.Rows, documentRow(config, d))
	}
	s.counts.ended(&run, false)
	s.outcomes.submit(&outcome{change: change}, nil)
}

// endOf returns the last moment at which the run is known to have been under way, or to have been
// waited for. What an earlier instance of the actor lost ends now.
func (r *recovery) endOf(run *messages.Run, lastPrinted time.Time) time.Time {
	if r.again {
		return r.now
	}
	begun := run.StartedAt
	if begun.IsZero() {
		begun = run.DueAt
	}
	if end := laterOf(begun, laterOf(r.lastSeen, lastPrinted)); !end.IsZero() && !end.After(r.now) {
		return end
	}
	return r.now // the clock was set back since
}

// addOutput counts what is stored of the run's output, and says when the last of it came.
func (r *recovery) addOutput(run *messages.Run) (last time.Time) {
	o := &run.Output
	err := r.actor.system.opt.Store.EachOutput(run.ID, func(c messages.OutputChunk) error {
		printed, truncated := &o.StdoutBytes, &o.StdoutTruncated
		if c.Stream == messages.Stderr {
			printed, truncated = &o.StderrBytes, &o.StderrTruncated
		}
		*printed += int64(len(c.Data)) + c.Skipped
		*truncated = *truncated || c.Skipped > 0
		o.InFile, last = true, laterOf(last, c.At)
		return nil
	})
	if err != nil {
		r.actor.system.log.Warn("the output of an interrupted run could not be read whole", "actor",
			nameExecutors, "run_id", run.ID, "error", err)
	}
	return last.UTC()
}

// documents returns those of the run's output, where its job wants them as it stands now.
func (r *recovery) documents(config *messages.Config, run *messages.Run) []messages.Document {
	if run.Kind != messages.RunOfJob || run.Output.StdoutBytes+run.Output.StderrBytes == 0 {
		return nil
	}
	job, err := r.actor.system.opt.Store.Job(run.ScriptName)
	if err != nil { // mostly: it was deleted
		r.actor.system.log.Warn(
			"the output of an interrupted run is not sent to OpenSearch: its job could not be read",
			"actor", nameExecutors, "job", run.ScriptName, "run_id", run.ID, "error", err)
		return nil
	}
	if !job.OpenSearchEnabled {
		return nil
	}
	return r.actor.system.outputDocuments(config, run, &job, run.EndedAt)
}
