package persistence

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gusty/messages"
)

// pageWithin is the goal for a page of a hundred runs. A busy machine takes longer for one, and now
// and then not for one of many, which a scan of the whole history would always do.
const pageWithin = 5 * time.Millisecond

// fillRuns stores ended runs by the committer, a thousand in a change: of 100 jobs, in all states
// that are final. Their ids begin at from.
func fillRuns(t testing.TB, s *Store, from, count int) {
	t.Helper()
	const together, jobs = 1000, 100
	final := slices.DeleteFunc(messages.RunStates(), messages.RunState.Active)
	for n := from; n < from+count; n += together {
		rows := make([]messages.Row, 0, together)
		for i := n; i < min(n+together, from+count); i++ {
			run := testRun(i, fmt.Sprint("job ", i%jobs), final[i/jobs%len(final)])
			run.StartedAt, run.EndedAt = run.DueAt, run.DueAt.Add(time.Second)
			rows = append(rows, messages.RunRow{Run: run})
		}
		commit(t, s, rows...)
	}
}

// keepMany stores the jobs of fillRuns so that nothing is trimmed.
func keepMany(t testing.TB, s *Store, runs int) {
	t.Helper()
	rows := []messages.Row{limitBytes(1 << 40)}
	for n := range 100 {
		job := testJob(fmt.Sprint("job ", n))
		job.Options.KeepRuns = runs
		rows = append(rows, messages.JobRow{Job: job})
	}
	commit(t, s, rows...)
}

// historyQueries are the ways to ask for a page, each at the front and deep inside.
func historyQueries(runs int) (queries []messages.RunQuery) {
	for _, q := range []messages.RunQuery{
		{}, {ScriptName: "job 42"}, {State: messages.RunFailed}, {ScriptName: "job 42", State: messages.RunFailed},
	} {
		q.Limit = 100
		queries = append(queries, q)
		q.Before = testRunID(runs / 2)
		queries = append(queries, q)
	}
	return queries
}

func TestPagesOfALongHistoryAreFast(t *testing.T) {
	runs := 50_000
	if testing.Short() {
		runs = 10_000
	}
	s := openStore(t, t.TempDir())
	keepMany(t, s, runs)
	fillRuns(t, s, 0, runs)
	for _, q := range historyQueries(runs) {
		best := time.Hour
		for n := 0; n < 5 || n < 100 && best > pageWithin; n++ {
			begun := time.Now()
			page, err := s.Runs(q)
			best = min(best, time.Since(begun))
			if err != nil || len(page.Runs) == 0 {
				t.Fatalf("%+v: %d runs, %v", q, len(page.Runs), err)
			}
		}
		if best > pageWithin {
			t.Errorf("%+v took %s", q, best)
		}
	}
}

// BenchmarkPage takes a page of a hundred out of a million runs, in each of the ways to ask for
// one. Filling the store takes a while, and is not part of the figures.
func BenchmarkPage(b *testing.B) {
	const runs = 1_000_000
	s := openStore(b, b.TempDir())
	keepMany(b, s, runs)
	fillRuns(b, s, 0, runs)
	for i, q := range historyQueries(runs) {
		where := []string{"newest", "before"}[i%2]
		b.Run(fmt.Sprintf("name=%t/state=%t/%s", q.ScriptName != "", q.State != "", where),
			func(b *testing.B) {
				for b.Loop() {
					if page, err := s.Runs(q); err != nil || len(page.Runs) != 100 {
						b.Fatal(len(page.Runs), err)
					}
				}
			})
	}
}
