package persistence

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// ranRun returns run n as it ends after it was started, with what it printed.
func ranRun(n int, name string, state messages.RunState) messages.Run {
	run := testRun(n, name, state)
	run.StartedAt, run.EndedAt = run.DueAt, run.DueAt.Add(12*time.Second)
	run.Output = messages.OutputSummary{StdoutBytes: 5, Inline: []messages.OutputChunk{
		{Stream: messages.Stdout, Data: []byte("begin")},
	}}
	return run
}

// unrun records runs from n on that end without having been started, each first as the firing that
// it was.
func unrun(t testing.TB, s *Store, n, count int, name string, state messages.RunState) {
	t.Helper()
	for from := n; from < n+count; from += 20 {
		var armed, ended []messages.Row
		for i := from; i < min(from+20, n+count); i++ {
			run := testRun(i, name, messages.RunQueued)
			run.Armed = true
			armed = append(armed, messages.RunRow{Run: run})
			run.Armed, run.State = false, state
			run.EndedAt, run.Reason = run.DueAt, fmt.Sprint("reason ", i)
			ended = append(ended, messages.RunRow{Run: run})
		}
		commit(t, s, armed...)
		commit(t, s, ended...)
	}
}

// kept returns the runs of a name in a state, newest first, and how many firings they stand for.
func kept(t testing.TB, s *Store, name string, state messages.RunState) (runs []messages.Run,
	firings int,
) {
	t.Helper()
	page, err := s.Runs(messages.RunQuery{ScriptName: name, State: state, Limit: 1000})
	if err != nil || page.Next != "" {
		t.Fatal(err, page.Next)
	}
	for i := range page.Runs {
		firings += page.Runs[i].Firings()
	}
	return page.Runs, firings
}

func keepRuns(name string, keep int) messages.Row {
	job := testJob(name)
	job.Options.KeepRuns = keep
	return messages.JobRow{Job: job}
}

// TestWhatDidNotRunPushesNothingOut lets many firings come to nothing, in each way, between and
// behind runs that ran.
func TestWhatDidNotRunPushesNothingOut(t *testing.T) {
	for _, state := range apartStates() {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir())
			commit(t, s, keepRuns("job", 2))
			commit(t, s, messages.RunRow{Run: ranRun(0, "job", messages.RunTimedOut)})
			unrun(t, s, 1, 60, "job", state)
			commit(t, s, messages.RunRow{Run: ranRun(100, "job", messages.RunFailed)})
			commit(t, s, messages.RunRow{Run: testRun(101, "job", messages.RunQueued)})
			unrun(t, s, 200, 60, "job", state)
			s = reopen(t, s)
			unrun(t, s, 300, 3, "job", state)
			checkCounted(t, s)
			for _, n := range []int{0, 100} {
				if run, err := s.Run(testRunID(n)); err != nil || len(run.Output.Inline) != 1 {
					t.Errorf("run %d is %+v, %v", n, run, err)
				}
			}
			runs, firings := kept(t, s, "job", state)
			ran := 0
			if state == messages.RunFailed {
				ran = 1
			}
			if len(runs) != leastApart+1+ran || firings != 123+ran {
				t.Fatalf("%d records of %d firings", len(runs), firings)
			}
			fold := runs[len(runs)-1]
			if ran == 1 && fold.ID == testRunID(100) {
				fold = runs[len(runs)-2]
			}
			if !strings.HasPrefix(fold.Reason, "113 ") ||
				!strings.HasSuffix(fold.Reason, "; the last: reason 252") {
				t.Errorf("the reason is %q", fold.Reason)
			}
			first := testRun(1, "", "").DueAt
			if fold.Count != 113 || !fold.DueAt.Equal(first) || fold.ID != testRunID(252) {
				t.Errorf("%+v", fold)
			}
			commit(t, s, messages.RunRow{Run: ranRun(401, "job", messages.RunSucceeded)})
			if _, err := s.Run(testRunID(0)); messages.CodeOf(err) != messages.CodeNotFound {
				t.Errorf("of three runs that ran two are kept: %v", err)
			}
			checkCounted(t, s)
		})
	}
}

// TestTheLastRunStaysWhileAnotherIsActive: with keep_runs 1, what waits or runs does not push out
// the last run that has ended.
func TestTheLastRunStaysWhileAnotherIsActive(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, keepRuns("job", 1), messages.RunRow{Run: ranRun(0, "job", messages.RunFailed)})
	next := testRun(1, "job", messages.RunQueued)
	commit(t, s, messages.RunRow{Run: next})
	next.State, next.StartedAt = messages.RunRunning, next.DueAt
	commit(t, s, messages.RunRow{Run: next})
	unrun(t, s, 2, 30, "job", messages.RunSkipped)
	if run, err := s.Run(testRunID(0)); err != nil || run.State != messages.RunFailed {
		t.Fatalf("%+v, %v", run, err)
	}
	commit(t, s, messages.RunRow{Run: ranRun(1, "job", messages.RunSucceeded)})
	if found, _ := kept(t, s, "job", messages.RunFailed); len(found) != 0 {
		t.Errorf("kept %v", ids(found))
	}
	if found, _ := kept(t, s, "job", messages.RunSucceeded); len(found) != 1 {
		t.Errorf("kept %v", ids(found))
	}
	checkCounted(t, s)
}

// TestWhatDidNotRunHasAPartOfTheBytes fills the history with records of what did not run, of many
// names, once a run has taken most of it.
func TestWhatDidNotRunHasAPartOfTheBytes(t *testing.T) {
	for _, state := range []messages.RunState{messages.RunSkipped, messages.RunFailed} {
		s := openStore(t, t.TempDir())
		big := ranRun(0, "big", messages.RunFailed)
		o := s.NewOutput(big.ID, 4<<20)
		if err := o.Write(messages.Stdout, make([]byte, 900_000), big.StartedAt); err != nil {
			t.Fatal(err)
		}
		var err error
		if big.Output, err = o.Close(); err != nil {
			t.Fatal(err)
		}
		commit(t, s, limitBytes(1<<20), messages.RunRow{Run: big})
		const names, rounds = 400, 12
		for n := range rounds {
			rows := make([]messages.Row, 0, names)
			for i := range names {
				run := testRun(1000*(n+1)+i, fmt.Sprint("job ", i), state)
				rows = append(rows, messages.RunRow{Run: run})
			}
			commit(t, s, rows...)
		}
		if _, err := s.Run(big.ID); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		for deadline := time.Now().Add(time.Minute); s.Stats().RunBytes > 1<<20; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the history takes %d bytes", state, s.Stats().RunBytes)
			}
			commit(t, s, messages.SettingRow{Name: "trim"})
		}
		if _, firings := kept(t, s, "job 399", state); firings != rounds {
			t.Errorf("%s: the records of the last name stand for %d firings", state, firings)
		}
		checkCounted(t, s)
	}
}

// TestHistoryOfAnEarlierVersion opens a file whose writer counted all runs alike.
func TestHistoryOfAnEarlierVersion(t *testing.T) {
	s := openStore(t, t.TempDir())
	stop := func(w *writer) error { w.trimmer.faulty = true; return nil } // it leaves what is here
	if _, err := s.write(stop); err != nil {
		t.Fatal(err)
	}
	commit(t, s, keepRuns("job", 100), keepRuns("other", 3))
	for _, name := range []string{"job", "other"} {
		for n := range 100 {
			state := messages.RunSkipped
			if n%4 == 1 {
				state = messages.RunFailed // could not be started
			}
			run := testRun(n, name, state)
			if n%10 == 0 {
				run = ranRun(n, name, messages.RunFailed)
			}
			if name == "other" {
				run.ID = testRunID(n + 1000)
			}
			commit(t, s, messages.RunRow{Run: run})
		}
	}
	earlier := func(w *writer) error {
		w.ledger.RunsCounted, w.ledger.ApartBytes, w.ledger.NewestRan = false, 0, format.RunKey{}
		for _, name := range []string{"job", "other"} {
			key := w.Hide(keyring.NameOfJob, name)
			list, err := w.runList(key)
			if err != nil {
				return err
			}
			list.counted = false
			if err := w.storeRunList(key, list); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := s.write(earlier); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	awaitTrimmed(t, s)
	checkCounted(t, s)
	for name, ran := range map[string]int{"job": 10, "other": 3} {
		skips, firings := kept(t, s, name, messages.RunSkipped)
		if len(skips) != leastApart+1 || firings != 65 {
			t.Errorf("%s: %d records of %d skipped firings", name, len(skips), firings)
		}
		failed, _ := kept(t, s, name, messages.RunFailed)
		started := 0
		for _, run := range failed {
			if !run.StartedAt.IsZero() {
				started++
			}
		}
		if started != ran {
			t.Errorf("%s: %d runs that ran are kept, want %d", name, started, ran)
		}
	}
	s = reopen(t, s)
	if len(s.trimmer.recounted) != 0 {
		t.Error("it is counted again")
	}
}

// awaitTrimmed waits until the trimmer has nothing to do for now.
func awaitTrimmed(t testing.TB, s *Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		left := 0
		err := s.do(&task{apply: func(w *writer) error {
			left = len(w.trimmer.lists) + len(w.trimmer.recounted)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lists wait to be trimmed", left)
		}
	}
}

// TestManySkippedFiringsStaySmall lets thousands of firings of a job be skipped while one of
// its runs is under way.
func TestManySkippedFiringsStaySmall(t *testing.T) {
	many, together := 20_000, 200
	if testing.Short() {
		many = 4_000
	}
	s := openStore(t, t.TempDir())
	running := ranRun(0, "job", messages.RunRunning)
	commit(t, s, keepRuns("job", 5), messages.RunRow{Run: running})
	most := uint64(0)
	for n := 1; n < many; n += together {
		var rows []messages.Row
		for i := n; i < n+together; i++ {
			rows = append(rows, messages.RunRow{Run: testRun(i, "job", messages.RunSkipped)})
		}
		commit(t, s, rows...)
		most = max(most, s.Stats().Runs)
	}
	commit(t, s, messages.RunRow{Run: ranRun(0, "job", messages.RunFailed)})
	runs, firings := kept(t, s, "job", messages.RunSkipped)
	if len(runs) != leastApart+1 || firings != many || most > uint64(leastApart+2) {
		t.Errorf("%d records of %d firings, and %d runs at most", len(runs), firings, most)
	}
	page, err := s.Runs(messages.RunQuery{ScriptName: "job", Limit: 20})
	if err != nil || page.Runs[len(page.Runs)-1].State != messages.RunFailed {
		t.Errorf("%+v, %v", page, err)
	}
	if bytes := s.Stats().RunBytes; bytes > 10_000 {
		t.Errorf("the history takes %d bytes", bytes)
	}
	checkCounted(t, s)
}
