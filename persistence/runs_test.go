package persistence

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"gusty/messages"
)

func ids(runs []messages.Run) (ids []string) {
	for i := range runs {
		ids = append(ids, runs[i].ID)
	}
	return ids
}

// allPages reads a query page by page.
func allPages(t testing.TB, s *Store, q messages.RunQuery) (found []string) {
	t.Helper()
	for {
		page, err := s.Runs(q)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, ids(page.Runs)...)
		if page.Next == "" {
			return found
		}
		q.Before = page.Next
	}
}

func TestRunOrders(t *testing.T) {
	s := openStore(t, t.TempDir())
	var stored []messages.Run
	for n := range 90 {
		states := messages.RunStates()
		run := testRun(n, fmt.Sprint("job ", n%3), messages.RunQueued)
		commit(t, s, messages.RunRow{Run: run})
		run.State = states[n%len(states)]
		stored = append(stored, run)
	}
	var rows []messages.Row
	for _, run := range stored {
		rows = append(rows, messages.RunRow{Run: run})
	}
	commit(t, s, rows...)
	for _, name := range []string{"", "job 0", "job 2", "none"} {
		for _, state := range append(messages.RunStates(), "") {
			for _, limit := range []int{1, 7, 1000} {
				var want []string
				for _, run := range slices.Backward(stored) {
					if (name == "" || run.ScriptName == name) &&
						(state == "" || run.State == state) {
						want = append(want, run.ID)
					}
				}
				q := messages.RunQuery{ScriptName: name, State: state, Limit: limit}
				if got := allPages(t, s, q); !reflect.DeepEqual(got, want) {
					t.Fatalf("%+v: got %v, want %v", q, got, want)
				}
			}
		}
	}
	var active []string
	if _, err := s.LoadActiveRuns(func(r messages.Run) error {
		active = append(active, r.ID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, run := range stored {
		if slices.Contains(active, run.ID) != run.State.Active() {
			t.Errorf("%s is %s", run.ID, run.State)
		}
	}
	if last, err := s.LastRun("job 1"); err != nil || last.ID != testRunID(88) {
		t.Errorf("last run %+v, %v", last, err)
	}
	if last, err := s.LastRun("none"); err != nil || last != nil {
		t.Errorf("last run of nothing %+v, %v", last, err)
	}
	if _, err := s.Runs(messages.RunQuery{Before: "x"}); messages.CodeOf(
		err) != messages.CodeBadQuery {
		t.Errorf("before x: %v", err)
	}
	if _, err := s.Runs(messages.RunQuery{State: "x"}); messages.CodeOf(
		err) != messages.CodeBadQuery {
		t.Errorf("state x: %v", err)
	}
}

func TestRunsAreTrimmed(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("job")
	job.Options.KeepRuns = 5
	commit(t, s, messages.JobRow{Job: job},
		messages.RunRow{Run: testRun(0, "job", messages.RunRunning)})
	old := s.NewOutput(testRunID(1), 1<<20)
	if err := old.Write(messages.Stdout, make([]byte, 10_000), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Close(); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 20; n++ {
		commit(t, s, messages.RunRow{Run: testRun(n, "job", messages.RunSucceeded)},
			messages.RunRow{Run: testRun(1000+n, "other", messages.RunSucceeded)})
	}
	want := []string{testRunID(20), testRunID(19), testRunID(18), testRunID(17), testRunID(0)}
	if got := allPages(t, s, messages.RunQuery{
		ScriptName: "job",
		Limit:      3,
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("kept %v, want %v: the oldest is still running", got, want)
	}
	if got := allPages(t, s, messages.RunQuery{ScriptName: "other"}); len(got) != 20 {
		t.Errorf("%d runs of another job", len(got))
	}
	if entries, err := os.ReadDir(s.output); err != nil || len(entries) != 0 {
		t.Errorf("output of trimmed runs: %v, %v", entries, err)
	}
	job.Options.KeepRuns = 1
	commit(t, s, messages.JobRow{Job: job},
		messages.RunRow{Run: testRun(21, "job", messages.RunSucceeded)})
	if got := allPages(t, s, messages.RunQuery{ScriptName: "job"}); !reflect.DeepEqual(got,
		[]string{testRunID(21), testRunID(0)}) {
		t.Errorf("kept %v", got)
	}
	reopen(t, s)
}

func TestRunsWithoutAJobAreTrimmed(t *testing.T) {
	s := openStore(t, t.TempDir())
	for n := range 130 {
		run := testRun(n, messages.CommandName, messages.RunSucceeded)
		run.Kind = messages.RunOfCommand
		commit(t, s, messages.RunRow{Run: run})
	}
	if got := allPages(t, s, messages.RunQuery{Limit: 1000}); len(got) != 100 {
		t.Errorf("%d runs are kept", len(got))
	}
}
