package persistence

import (
	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/format"
)

// run returns a run and, piece by piece, what it printed.
func (e *exporter) run(key, record []byte) error {
	if len(key) != len(format.RunKey{}) {
		return format.DamagedRow(format.BucketRuns)
	}
	run, err := decodeRun(format.RunKey(key), record, true)
	if err != nil {
		return format.DamagedRow(format.BucketRuns)
	}
	if err := e.each(runTableRow(&run)); err != nil {
		return err
	}
	sequence := int64(0)
	give := func(c messages.OutputChunk) error {
		sequence++
		return e.each(table.RunOutputRow{
			RunID: run.ID, Sequence: sequence, Stream: c.Stream.String(),
			At: table.TableTime(c.At), Data: c.Data, SkippedBytes: c.Skipped,
		})
	}
	if !run.Output.InFile {
		for i := range run.Output.Inline {
			if err := give(run.Output.Inline[i]); err != nil {
				return err
			}
		}
		return nil
	}
	err = e.store.EachOutput(run.ID, give)
	switch {
	case err == nil || messages.CodeOf(err) == messages.CodeNotFound:
		return nil
	case messages.CodeOf(err) == messages.CodeStorageDamaged:
		e.store.logger.Warn("an export lacks a part of what a run printed", "run_id", run.ID,
			"error", err)
		return nil
	}
	return err
}

func runTableRow(r *messages.Run) table.RunTableRow {
	row := table.RunTableRow{
		ID: r.ID, ScriptName: r.ScriptName, Kind: string(r.Kind), State: string(r.State),
		Reason: r.Reason, Trigger: string(r.Trigger),
		Principal: r.Principal, Attempt: int64(r.Attempt), DueAt: table.TableTime(r.DueAt),
		StartedAt: table.TableTime(r.StartedAt),
		EndedAt:   table.TableTime(r.EndedAt), Signal: r.Signal,
		StdoutBytes:     r.Output.StdoutBytes,
		StderrBytes:     r.Output.StderrBytes,
		StdoutTruncated: table.Flag(r.Output.StdoutTruncated),
		StderrTruncated: table.Flag(r.Output.StderrTruncated),
	}
	if r.ExitCode != nil {
		code := int64(*r.ExitCode)
		row.ExitCode = &code
	}
	return row
}
