package actors

import (
	"slices"

	"gusty/messages"
)

// How outcomes wait for a storage that takes none. What they take is bounded: first
// what did not run is only counted, then the output of runs goes, then runs are only counted, too;
// but only those that the store knows nothing of. An outcome of a run that the store has a row of
// stays: else that row would show the run as under way for ever. Of those there are no more than
// were under way or waited when the storage ceased to take writes.

const (
	backlogBytes   = 4 << 20
	backlogAfter   = backlogBytes / 4 * 3 // that are left where the bound was reached
	runRowBytes    = 640                  // a run's row, but for its output and its reason
	documentBytes  = 512                  // a document's, but for its body
	chunkBytes     = 64                   // a chunk of output, but for its data
	bulky          = 2 * runRowBytes      // an outcome whose output goes before that of others
	whyOutputsWent = "its output was left out, since the storage took no writes"
)

// backlog is what waits, in the order in which it came.
type backlog struct {
	items []*outcome
	bytes int
	// by the id of the next attempt whose row it has; also of outcomes that are with the store
	owed map[string]*outcome
	lost lostRuns
}

func (b *backlog) any() bool { return len(b.items) > 0 }

// add puts an outcome behind the others, and says how many were lost for its sake.
func (b *backlog) add(out *outcome) (lost int) {
	out.look()
	b.owes(out)
	b.items = append(b.items, out)
	b.measure(out)
	if b.bytes > backlogBytes {
		lost = b.lose(func(run *messages.Run) bool { return !run.Ran() })
	}
	for _, larger := range []int{bulky, 0} {
		if b.bytes > backlogBytes {
			b.slim(larger)
		}
	}
	if b.bytes > backlogBytes {
		lost += b.lose(func(*messages.Run) bool { return true })
	}
	return lost
}

// owes remembers whose row of a next attempt must not be written any more once that starts or ends:
// also of an outcome that is with the store, and may come back.
func (b *backlog) owes(out *outcome) {
	if out.retry == nil {
		return
	}
	if b.owed == nil {
		b.owed = map[string]*outcome{}
	}
	b.owed[out.retry.run.ID] = out
}

func (b *backlog) owesNot(out *outcome) {
	if out.retry != nil {
		delete(b.owed, out.retry.run.ID)
	}
}

// look finds out whether the store has a row of the run, as soon as no row of it is on its way
// there.
func (o *outcome) look() {
	if o.of == nil || o.of.row.onWay() {
		return
	}
	o.absent, o.of = !o.of.row.stored.Load(), nil
}

// measure counts what an outcome takes, also after it has changed.
func (b *backlog) measure(out *outcome) {
	b.bytes -= out.bytes
	out.bytes = 0
	for _, row := range out.change.Rows {
		switch row := row.(type) {
		case messages.RunRow:
			out.bytes += runRowBytes + len(row.Run.Reason)
			for i := range row.Run.Output.Inline {
				out.bytes += chunkBytes + len(row.Run.Output.Inline[i].Data)
			}
		case messages.DocumentRow:
			out.bytes += documentBytes + len(row.Document.Body)
		}
	}
	b.bytes += out.bytes
}

// slim takes output out of what waits and is larger than that, the oldest first.
func (b *backlog) slim(larger int) {
	for _, out := range b.items {
		if b.bytes <= backlogAfter {
			return
		}
		if out.with || out.lean || out.bytes <= larger {
			continue
		}
		out.lean = true
		rows := make([]messages.Row, 0, len(out.change.Rows))
		for _, row := range out.change.Rows {
			switch row := row.(type) {
			case messages.RunRow:
				rows = append(rows, messages.RunRow{Run: withoutOutput(row.Run)})
			case messages.DocumentRow:
				row.Document = withoutMessage(row.Document, "["+whyOutputsWent+"]")
				rows = append(rows, row)
			default:
				rows = append(rows, row)
			}
		}
		out.change.Rows = rows
		b.measure(out)
	}
}

// withoutOutput returns the run without what it printed, as far as that is not in files.
func withoutOutput(run messages.Run) messages.Run {
	for i := range run.Output.Inline {
		c := &run.Output.Inline[i]
		run.Output.StdoutTruncated = run.Output.StdoutTruncated || c.Stream == messages.Stdout
		run.Output.StderrTruncated = run.Output.StderrTruncated || c.Stream == messages.Stderr
	}
	if run.Output.Inline != nil {
		run.Output.Inline, run.Reason = nil, joined(run.Reason, whyOutputsWent)
	}
	return run
}

// lose only counts the oldest runs from now on, of those that may go, that the store has no row of,
// and says how many. The row of an attempt that still waits for its time stays.
func (b *backlog) lose(mayGo func(*messages.Run) bool) (lost int) {
	kept := b.items[:0]
	for _, out := range b.items {
		out.look()
		if b.bytes <= backlogAfter || out.with || !out.absent || !mayGo(out.run()) {
			kept = append(kept, out)
			continue
		}
		lost++
		b.lost.add(out.run())
		if out.retry != nil {
			out.change.Rows = []messages.Row{messages.RunRow{Run: out.retry.run}}
			out.absent = false
			kept = append(kept, out)
		} else {
			out.change.Rows = nil
		}
		b.measure(out)
	}
	clear(b.items[len(kept):])
	b.items = kept
	return lost
}

// run returns the run whose end it is: its row is the first.
func (o *outcome) run() *messages.Run {
	if row, ok := o.change.Rows[0].(messages.RunRow); ok {
		return &row.Run
	}
	return &messages.Run{}
}

// tellLost makes outcomes again of what was only counted.
func (b *backlog) tellLost() {
	for _, run := range b.lost.take() {
		out := &outcome{change: messages.Change{
			Origin: messages.OriginAgent(),
			Rows:   []messages.Row{messages.RunRow{Run: run}},
		}}
		b.items = append(b.items, out)
		b.measure(out)
	}
}

// stripEnded takes the row of a waiting attempt out of what waits where this is its end.
func (b *backlog) stripEnded(out *outcome) {
	if len(b.owed) > 0 {
		b.strip(out.run().ID)
	}
}

// strip takes the row of an attempt that waits for its time out of what waits.
func (b *backlog) strip(id string) {
	out := b.owed[id]
	if out == nil {
		return
	}
	delete(b.owed, id)
	out.retry = nil
	out.change.Rows = slices.DeleteFunc(slices.Clone(out.change.Rows), func(row messages.Row) bool {
		r, ok := row.(messages.RunRow)
		return ok && r.Run.ID == id
	})
	if out.bytes > 0 {
		b.measure(out)
	}
	if len(out.change.Rows) == 0 && !out.with {
		out.done = true
		b.removeDone()
	}
}

func (b *backlog) removeDone() {
	b.items = slices.DeleteFunc(b.items, func(out *outcome) bool {
		if out.done {
			b.bytes -= out.bytes
			b.owesNot(out)
		}
		return out.done
	})
	if len(b.items) == 0 {
		b.items = nil
	}
}
