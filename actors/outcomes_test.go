package actors

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

func noSpace(messages.Change) error {
	return messages.Errorf(messages.CodeStorageFull, "no space is left")
}

// requireAccounts expects that the records of each job stand for as many runs as it had, and
// returns how many share a record with others.
func (w *world) requireAccounts() (shared int) {
	w.t.Helper()
	counts := map[string]int{}
	for _, r := range w.store.runsOf("") {
		counts[r.ScriptName] += max(r.Count, 1)
		shared += max(r.Count-1, 0)
	}
	for _, p := range w.launcher.of("") {
		counts[p.job]--
	}
	for name, n := range counts {
		if n != 0 {
			w.t.Errorf("%s: there are records of %d runs more than there were", name, n)
		}
	}
	return shared
}

// TestAMinuteOfOutcomesIsKept: sixty runs a second for a minute while the disk is full, each with
// its record afterwards.
func TestAMinuteOfOutcomesIsKept(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for n := range 60 {
			w.add(job(fmt.Sprint("job ", n), "* * * * * *", "exit 0"))
		}
		w.advance(2500 * time.Millisecond)
		w.store.refuseWith(noSpace)
		w.advance(time.Minute)
		w.store.refuseWith(nil)
		w.advance(10 * time.Second)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		w.advance(time.Second)
		w.expect("", messages.RunSucceeded, len(w.launcher.of("")))
		if strings.Contains(w.log.String(), "only counted") {
			t.Error("outcomes were lost")
		}
	})
}

// TestOutcomesBeyondTheBoundAreCounted: what does not fit in memory becomes one record a job that
// counts it, and no run that the store knew of stays under way.
func TestOutcomesBeyondTheBoundAreCounted(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("known", "@yearly", "sleep 6"))
		w.add(job("again", "@yearly", "exit 4", func(o *messages.JobOptions) {
			o.MaxRetries, o.RetryDelaySeconds = 3, 20
		}))
		for n := range 199 {
			w.add(job(fmt.Sprint("job ", n), "* * * * * *", "exit 0"))
		}
		w.add(job("failing", "* * * * * *", "exit 3"))
		known, again := w.runNow("known"), w.runNow("again")
		w.advance(time.Millisecond)
		w.store.refuseWith(noSpace)
		w.advance(time.Minute)
		w.store.refuseWith(nil)
		w.advance(20 * time.Second)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		w.advance(5 * time.Minute)
		if got := w.stored(known.ID); got.State != messages.RunSucceeded || got.Count > 1 {
			t.Errorf("the run under way is %+v", got)
		}
		if got := w.stored(again.ID); got.State != messages.RunFailed ||
			len(w.launcher.of("again")) != 4 {
			t.Errorf("the run with retries is %+v", got)
		}
		w.expect("", messages.RunRunning, 0)
		w.expect("", messages.RunQueued, 0)
		if w.requireAccounts() == 0 {
			t.Error("all have fitted in memory")
		}
		checkLoss(t, w.inState("failing", messages.RunFailed))
		if n := strings.Count(w.log.String(), "only counted"); n != 1 {
			t.Errorf("the log tells it %d times\n%s", n, w.log)
		}
		w.expectIdle()
	})
}

// TestAnAgentThatEndsOnAFullDiskSaysWhatIsLost: once, with how many.
func TestAnAgentThatEndsOnAFullDiskSaysWhatIsLost(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "* * * * * *", "exit 0"))
		w.store.refuseWith(noSpace)
		w.advance(10 * time.Second)
		w.sys.Stop(context.Background())
		synctest.Wait()
		if text := w.log.String(); strings.Count(text,
			"outcomes of runs are lost: the agent ends") != 1 ||
			!strings.Contains(text, "lost=10 ") {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// checkLoss looks for the one record that says how many were lost.
func checkLoss(t *testing.T, runs []messages.Run) {
	t.Helper()
	found := 0
	for _, r := range runs {
		if r.Count < 2 {
			continue
		}
		found++
		want := fmt.Sprintf("it exited with 3; %d runs of this job ended so between 2000-", r.Count)
		if !strings.HasPrefix(r.Reason, want) ||
			!strings.Contains(r.Reason, "the storage took no writes") || r.StartedAt.IsZero() ||
			*r.ExitCode != 3 {
			t.Errorf("the record is %+v", r)
		}
	}
	if found != 1 {
		t.Errorf("%d records of runs that were lost", found)
	}
}

// known returns the outcome of a run that the store has a row of.
func known(run messages.Run, rows ...messages.Row) *outcome {
	return &outcome{change: messages.Change{Rows: append([]messages.Row{messages.RunRow{Run: run}},
		rows...)}}
}

// TestOutputGoesBeforeOutcomes: outcomes of runs that the store knows stay, without what the runs
// printed where that is too much.
func TestOutputGoesBeforeOutcomes(t *testing.T) {
	var b backlog
	run := messages.Run{
		State: messages.RunSucceeded,
		Output: messages.OutputSummary{StdoutBytes: 4000, Inline: []messages.OutputChunk{
			{Stream: messages.Stdout, Data: make([]byte, 4000)},
		}},
	}
	body := newDocument(messages.DocumentOutput, "i", time.Unix(0, 0), applicationLog{
		JobName: "a",
		Message: strings.Repeat("x", 4000),
	})
	const count = 2000
	little := messages.Run{
		ID: "little",
		Output: messages.OutputSummary{Inline: []messages.OutputChunk{{
			Stream: messages.Stdout,
			Data:   make([]byte, 9),
		}}},
	}
	b.add(known(little))
	for n := range count {
		run.ID = fmt.Sprint(n)
		if lost := b.add(known(run, messages.DocumentRow{Document: body})); lost > 0 ||
			b.bytes > backlogBytes {
			t.Fatalf("after %d: %d lost, %d bytes", n, lost, b.bytes)
		}
	}
	if got := b.items[0].run(); len(got.Output.Inline) != 1 {
		t.Error("little output has gone before much")
	}
	first, last := b.items[1], b.items[count]
	if got := first.run(); got.Output.Inline != nil || !got.Output.StdoutTruncated ||
		got.Reason != whyOutputsWent || got.Output.StdoutBytes != 4000 {
		t.Errorf("the oldest is %+v", got)
	}
	if got := first.change.Rows[1].(messages.DocumentRow).Document.Body; !bytes.Contains(got, []byte(whyOutputsWent)) || !bytes.Contains(got, []byte(`"jobname":"a"`)) {
		t.Errorf("its document is %s", got)
	}
	if got := last.run(); len(got.Output.Inline) != 1 || got.Reason != "" {
		t.Error("the newest lost its output, too")
	}
	for _, out := range b.items {
		out.done = true
	}
	if b.removeDone(); b.bytes != 0 || b.any() {
		t.Errorf("%d bytes are left", b.bytes)
	}
}

// TestWhatDidNotRunGoesBeforeOutput: records of skipped firings are counted before any run that ran
// loses its output.
func TestWhatDidNotRunGoesBeforeOutput(t *testing.T) {
	var b backlog
	ran := messages.Run{
		ID:         "ran",
		ScriptName: "job",
		State:      messages.RunFailed,
		StartedAt:  time.Unix(1, 0),
	}
	ran.Output = messages.OutputSummary{StdoutBytes: 4000, Inline: []messages.OutputChunk{
		{Stream: messages.Stdout, Data: make([]byte, 4000)},
	}}
	b.add(&outcome{change: known(ran).change, absent: true})
	const skips = 3 * backlogBytes / runRowBytes
	lost := 0
	for n := range skips {
		run := messages.Run{ID: fmt.Sprint(n), ScriptName: "job", State: messages.RunSkipped}
		run.EndedAt = time.Unix(int64(n), 0)
		lost += b.add(&outcome{change: known(run).change, absent: true})
		if b.bytes > backlogBytes {
			t.Fatalf("%d bytes", b.bytes)
		}
	}
	if got := b.items[0].run(); got.ID != "ran" || len(got.Output.Inline) != 1 || lost == 0 {
		t.Errorf("%d are only counted, and first waits %+v", lost, got)
	}
	b.tellLost()
	firings := 0
	for _, out := range b.items[1:] {
		firings += out.run().Firings()
	}
	if firings != skips {
		t.Errorf("the records stand for %d of %d firings", firings, skips)
	}
}

// TestARetryThatEndsBeforeItsRecordIsWritten: the record that it waits must not come behind that of
// its end.
func TestARetryThatEndsBeforeItsRecordIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		defer store.close()
		o := newOutcomes(store, slog.New(slog.DiscardHandler))
		next := &task{run: messages.Run{ID: "next", State: messages.RunQueued}}
		failed := known(messages.Run{
			ID:    "failed",
			State: messages.RunFailed,
		}, messages.RunRow{Run: next.run})
		failed.retry = next
		unblock := store.block()
		o.submit(failed, nil)
		o.submit(&outcome{
			of: next,
			change: messages.Change{
				Rows: []messages.Row{messages.RunRow{Run: next.outcome(messages.RunCancelled, "",
					time.Now())}},
			},
		}, nil)
		store.refuseWith(noSpace)
		unblock()
		synctest.Wait()
		store.refuseWith(nil)
		time.Sleep(2 * backlogPause)
		synctest.Wait()
		for id, want := range map[string]messages.RunState{
			"failed": messages.RunFailed,
			"next":   messages.RunCancelled,
		} {
			if run, err := store.Run(id); err != nil || run.State != want {
				t.Errorf("%s is %+v, %v", id, run, err)
			}
		}
	})
}
