package persistence

import (
	"errors"
	"fmt"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

var errUnknownRow = errors.New("a change holds a row of an unknown kind")

// applyChange checks what every row of a change expects, then writes them. A refusal goes into
// result and leaves the transaction as it was; an error means that the transaction can't be kept.
func (w *writer) applyChange(c *messages.Change, result *messages.Committed) (out outcome,
	err error,
) {
	result.Err = w.checkAll(c.Rows)
	if result.Err == nil {
		err = w.applyAll(c.Rows, &out)
	}
	result.Import = out.imported
	if err != nil || out.job == nil {
		return out, err
	}
	result.Job = out.job
	result.State, err = w.jobState(out.key)
	return out, err
}

func (w *writer) applyAll(rows []messages.Row, out *outcome) error {
	first := w.ledger.LastDocument + 1
	for _, row := range rows {
		run, isRun := row.(messages.RunRow)
		var err error
		if isRun {
			err = w.putRun(&run, referring(rows, run.Run.ID, first), out)
		} else {
			err = w.apply(row, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// referring returns the sequences that the documents among rows get whose message lies in the run's
// output, where the first of all gets first.
func referring(rows []messages.Row, runID string, first uint64) (sequences []uint64) {
	for _, row := range rows {
		document, ok := row.(messages.DocumentRow)
		if !ok {
			continue
		}
		if ref := document.Document.Output; ref != nil && ref.RunID == runID {
			sequences = append(sequences, first)
		}
		first++
	}
	return sequences
}

func (w *writer) checkAll(rows []messages.Row) error {
	for _, row := range rows {
		if err := w.Check(row); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) Check(row messages.Row) error {
	switch row := row.(type) {
	case messages.JobRow:
		return w.checkJob(row.Job.Name, row.Expect)
	case messages.JobGone:
		return w.checkJob(row.Name, messages.ExpectPresent)
	case messages.UserRow:
		return w.checkUser(&row)
	case messages.RunRow:
		return checkRun(&row)
	case messages.ImportRows:
		return checkImport(&row)
	case messages.DocumentRow:
		return checkDocument(&row.Document)
	case messages.DeadRetried:
		return w.checkDead(row.ID)
	case messages.DeadGone:
		return w.checkDead(row.ID)
	case messages.LossTold:
		return w.checkLoss(&row)
	default:
		return nil
	}
}

func (w *writer) apply(row messages.Row, out *outcome) error {
	switch row := row.(type) {
	case messages.JobRow:
		return w.putJob(row, out)
	case messages.JobGone:
		return w.deleteJob(row.Name)
	case messages.JobStateRow:
		return w.putStateOf(row)
	case messages.RunsLeft:
		return w.leaveRuns(out)
	case messages.ParameterRow:
		out.parameters = true
		return w.putParameter(row)
	case messages.UserRow:
		return w.putUser(&row)
	case messages.SettingRow:
		return w.putSetting(row)
	case messages.ImportRows:
		return w.importRows(&row, out)
	default:
		return w.applyOutbox(row)
	}
}

// applyOutbox is apply for what happens in the outbox.
func (w *writer) applyOutbox(row messages.Row) error {
	switch row := row.(type) {
	case messages.DocumentRow:
		return w.putDocument(&row)
	case messages.DocumentsShipped:
		return w.shipDocuments(&row)
	case messages.DocumentRefused:
		return w.refuseDocument(&row)
	case messages.DeadRetried:
		return w.retryDead(&row)
	case messages.DeadGone:
		return w.deleteDead(row.ID)
	case messages.OutboxAged:
		return w.dropAged(row.Before)
	case messages.LossTold:
		w.ledger.Loss = format.Loss{}
		return nil
	default:
		return fmt.Errorf("%w: %T", errUnknownRow, row)
	}
}
