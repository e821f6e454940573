package actors

import (
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// The record of a run that a crash interrupted says what is known of it and no more, and its output
// is sent as that of any other run.
func TestAnInterruptedRunHasOnlyTrueFigures(t *testing.T) {
	prepare := func(w *world) { w.store.parameters[messages.ParamEndpoint] = "http://127.0.0.1:9" }
	inBubble(t, prepare, func(w *world) {
		talks, silent := job("talks", "@yearly", "prints 12345"), job("silent", "@yearly", "hang")
		talks.OpenSearchEnabled = true
		w.add(talks)
		w.add(silent)
		ran, quiet := w.runNow("talks"), w.runNow("silent")
		w.advance(5 * time.Second)
		next := w.restartAfterCrash(time.Hour)
		defer next.stop()
		next.advance(time.Second)
		got, other := next.stored(ran.ID), next.stored(quiet.ID)
		begun := got.StartedAt
		if got.State != messages.RunInterrupted || !got.EndedAt.Equal(begun.Add(time.Second)) ||
			got.Duration(time.Now()) != time.Second {
			t.Errorf("it printed last a second after %s, and the run is %+v", begun, got)
		}
		if o := got.Output; o.StdoutBytes != 10 || o.StderrBytes != 0 || !o.InFile ||
			o.StdoutTruncated {
			t.Errorf("the output is %+v", o)
		}
		if !strings.HasSuffix(got.Reason, "it printed last at "+stamp(begun.Add(time.Second))) {
			t.Errorf("the reason is %q", got.Reason)
		}
		if other.State != messages.RunInterrupted || other.EndedAt.Sub(begun) > time.Second ||
			other.Output.InFile {
			t.Errorf("the silent run is %+v", other)
		}
		documents := documentsOf(next.store, got.ID)
		if len(documents) != 1 || documents[0].Output == nil || documents[0].Output.To != 10 {
			t.Errorf("the documents are %+v", documents)
		}
	})
}

// documentsOf returns the documents of a run's output that were committed together with its final
// record.
func documentsOf(store *memStore, runID string) (documents []messages.Document) {
	store.eachCommit(func(c commit) {
		var ofRun bool
		for _, row := range c.change.Rows {
			switch row := row.(type) {
			case messages.RunRow:
				ofRun = ofRun || row.Run.ID == runID && !row.Run.State.Active()
			case messages.DocumentRow:
				if ofRun {
					documents = append(documents, row.Document)
				}
			}
		}
	})
	return documents
}
