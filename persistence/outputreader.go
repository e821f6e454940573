package persistence

import (
	"errors"
	"slices"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// EachOutput returns what a run printed, in order of arrival, also while it is still running; where
// bytes were left out there is a chunk that says how many. Data is valid only during the call. An
// *Error of not_found: there is neither the run nor output of it; of storage_damaged: what is
// stored is not what was printed.
func (s *Store) EachOutput(runID string, each func(messages.OutputChunk) error) error {
	key, ok := format.ParseRunKey(runID)
	if !ok {
		return messages.Errorf(messages.CodeNotFound, "there is no run %q", runID)
	}
	if o := s.live.get(key); o != nil {
		return o.each(each)
	}
	run, err := s.Run(runID)
	if err != nil {
		return err
	}
	return s.eachStored(key, &run, each)
}

// eachStored returns what is kept of a run that has ended: what is in files, and then what is in
// the row.
func (s *Store) eachStored(key format.RunKey, run *messages.Run,
	each func(messages.OutputChunk) error,
) error {
	if len(run.Output.Inline) > 0 && !run.Output.InFile {
		return eachInline(run.Output.Inline, each)
	}
	m, err := s.openOutput(key)
	if err != nil {
		return err
	}
	m.at = run.EndedAt
	if !run.State.Active() && run.State != messages.RunInterrupted {
		m.whole = &wholeness{key, [2]bool{!run.Output.StdoutTruncated, !run.Output.StderrTruncated}}
	}
	err = errors.Join(m.each(^uint64(0), piecesOf(&run.Output), run.Output.StdoutBytes,
		run.Output.StderrBytes, each), m.close())
	if messages.CodeOf(err) == messages.CodeStorageDamaged {
		if _, gone := s.Run(run.ID); messages.CodeOf(gone) == messages.CodeNotFound {
			return gone // it was trimmed meanwhile, and its files with it
		}
	}
	return err
}

// piecesOf returns the chunks in a run's row as what they are where there are files: the ends of
// the streams.
func piecesOf(o *messages.OutputSummary) []piece {
	pieces := make([]piece, 0, len(o.Inline))
	ends := [2]int64{o.StdoutBytes, o.StderrBytes}
	for _, c := range slices.Backward(o.Inline) {
		end := &ends[streamIndex(c.Stream)]
		*end -= c.Skipped + int64(len(c.Data))
		if len(c.Data) > 0 {
			pieces = append(pieces, piece{offset: *end, at: c.At, stream: c.Stream, data: c.Data})
		}
	}
	slices.Reverse(pieces)
	return pieces
}

func eachInline(chunks []messages.OutputChunk, each func(messages.OutputChunk) error) error {
	for _, c := range chunks {
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

// each reads along: the segments as far as they were when it began, and then what waited.
func (o *Output) each(each func(messages.OutputChunk) error) error {
	o.mu.Lock()
	if !o.closed {
		_ = o.restore() // what can't be is told of as left out
	}
	wait := slices.Clone(o.wait)
	for i := range wait {
		wait[i].data = slices.Clone(wait[i].data)
	}
	stdout, stderr, upTo := o.streams[0].printed, o.streams[1].printed, o.sequence
	if len(wait) > 0 {
		upTo = wait[0].sequence
	}
	m, err := o.store.openOutput(o.run)
	o.mu.Unlock()
	if err != nil {
		return err
	}
	m.at = time.Now()
	return errors.Join(m.each(upTo, wait, stdout, stderr, each), m.close())
}
