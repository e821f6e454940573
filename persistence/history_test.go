package persistence

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// checkCounted compares the counters of the ledger with a count.
func checkCounted(t testing.TB, s *Store) {
	t.Helper()
	_, err := s.view(func(r *reader) error {
		kept, err := readLedger(r)
		if err != nil {
			return err
		}
		counted := Store{logger: s.logger}
		if err := counted.countRuns(r); err != nil {
			return err
		}
		is, want := &kept, &counted.ledger
		if is.RunBytes != want.RunBytes || is.ApartBytes != want.ApartBytes || !is.RunsCounted {
			t.Errorf("the ledger says %d bytes, %d of what did not run; counted are %d and %d",
				is.RunBytes, is.ApartBytes, want.RunBytes, want.ApartBytes)
		}
		if is.RunsOver != want.RunsOver || is.NewestRan != want.NewestRan {
			t.Errorf("the ledger says %d runs over, and %s is the newest; counted are %d and %s",
				is.RunsOver, is.NewestRan, want.RunsOver, want.NewestRan)
		}
		return checkLists(t, r, counted.trimmer.recounted)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkLists compares the lists with a count.
func checkLists(t testing.TB, r *reader, counted recountedLists) error {
	t.Helper()
	return r.scan(format.BucketRunLists, func(key, record []byte) error {
		list, err := parseRunList(record)
		want := runList{runs: list.runs, keep: list.keep, ran: list.runs}
		counted.complete(format.NameKey(key), &want)
		if !list.equal(&want) {
			t.Errorf("a list says %+v; counted is %+v", list, want)
		}
		return err
	})
}

// limitBytes sets the bound of the history's bytes.
func limitBytes(bytes int) messages.Row {
	return messages.ParameterRow{Name: messages.ParamRunsLimitBytes, Local: strconv.Itoa(bytes)}
}

// wordy returns an ended run whose row takes some 10 KB.
func wordy(n int, name string) messages.Run {
	run := testRun(n, name, messages.RunFailed)
	run.Reason = string(make([]byte, 10_000))
	return run
}

func TestHistoryIsBoundByBytes(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.RunRow{Run: testRun(0, "active", messages.RunRunning)}, limitBytes(1<<20))
	for n := 1; n <= 300; n++ {
		commit(t, s, messages.RunRow{Run: wordy(n, fmt.Sprint("job ", n%70))})
	}
	found := allPages(t, s, messages.RunQuery{})
	if len(found) < 95 || len(found) > 105 || found[0] != testRunID(300) ||
		found[len(found)-1] != testRunID(0) {
		t.Errorf("%d runs are kept, from %s to %s", len(found), found[0], found[len(found)-1])
	}
	if found[len(found)-2] != testRunID(300-len(found)+2) {
		t.Error("it was not the oldest that went")
	}
	checkCounted(t, s)
	if stats := s.Stats(); stats.Runs != uint64(len(found)) || stats.RunBytes == 0 ||
		stats.RunBytes > 1<<20 {
		t.Errorf("%+v", stats)
	}
	before := s.Stats()
	s = reopen(t, s)
	if after := s.Stats(); after.Runs != before.Runs || after.RunBytes != before.RunBytes {
		t.Errorf("%+v, then %+v", before, after)
	}
	checkCounted(t, s)
}

func TestOutputFilesCountAsHistory(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, limitBytes(1<<20))
	for n := range 30 {
		run := testRun(n, "job", messages.RunSucceeded)
		o := s.NewOutput(run.ID, 1<<20)
		if err := o.Write(messages.Stdout, make([]byte, 100_000), run.DueAt); err != nil {
			t.Fatal(err)
		}
		var err error
		if run.Output, err = o.Close(); err != nil {
			t.Fatal(err)
		}
		commit(t, s, messages.RunRow{Run: run})
	}
	size := 0
	entries, err := os.ReadDir(s.output)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += int(info.Size())
	}
	if err != nil || len(entries) != 10 || size > 1<<20 {
		t.Errorf("%d output files of %d bytes stay, %v", len(entries), size, err)
	}
	checkCounted(t, s)
}

func TestHistoryIsBoundByAge(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000).Add(24 * time.Hour)
	s, err := Open(Options{Dir: t.TempDir(), now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	day := int(24 * time.Hour / time.Millisecond)
	commit(t, s, messages.RunRow{Run: testRun(0, "active", messages.RunQueued)},
		messages.RunRow{Run: testRun(1, "old", messages.RunMissed)},
		messages.RunRow{Run: testRun(day, "young", messages.RunSucceeded)})
	commit(t, s, messages.ParameterRow{Name: messages.ParamRunsLimitAgeHours, Local: "23"})
	awaitRuns(t, s, 2)
	if found := allPages(t, s, messages.RunQuery{}); found[0] != testRunID(day) ||
		found[1] != testRunID(0) {
		t.Errorf("kept %v", found)
	}
	checkCounted(t, s)
}

// TestTrimmerRests: commits that change no run do not look at the history before its oldest run is
// too old, and then they do.
func TestTrimmerRests(t *testing.T) {
	made := time.UnixMilli(1_800_000_000_000)
	var since atomic.Int64
	s, err := Open(Options{Dir: t.TempDir(), now: func() time.Time {
		return made.Add(time.Duration(since.Load()))
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	hour := int(time.Hour / time.Millisecond)
	commit(t, s, messages.ParameterRow{Name: messages.ParamRunsLimitAgeHours, Local: "23"})
	commit(t, s, messages.RunRow{Run: testRun(0, "slow", messages.RunRunning)},
		messages.RunRow{Run: testRun(hour, "first", messages.RunSucceeded)},
		messages.RunRow{Run: testRun(2*hour, "last", messages.RunSucceeded)})
	var rest time.Time
	if err := s.do(&task{apply: func(w *writer) error {
		rest = w.trimmer.rest
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	if want := made.Add(24 * time.Hour); !rest.Equal(want) {
		t.Fatalf("it rests until %s, want %s", rest, want)
	}
	for _, step := range []struct {
		at     time.Duration // since the first was made
		row    messages.Row
		want   uint64
		reason string
	}{
		{23 * time.Hour, messages.RunRow{Run: testRun(0, "slow", messages.RunSucceeded)}, 3, "all are young enough"},
		{23*time.Hour + time.Millisecond, messages.JobRow{Job: testJob("other")}, 2, "the run that ended last is the oldest"},
		{24 * time.Hour, messages.JobRow{Job: testJob("other")}, 2, "the other may stay"},
		{24*time.Hour + time.Millisecond, messages.JobRow{Job: testJob("other")}, 1, "the other is too old"},
		{30 * 24 * time.Hour, messages.JobRow{Job: testJob("other")}, 1, "the newest stays"},
	} {
		since.Store(int64(step.at))
		commit(t, s, step.row)
		if got := s.Stats().Runs; got != step.want {
			t.Errorf("after %s there are %d runs, want %d: %s", step.at, got, step.want,
				step.reason)
		}
	}
	checkCounted(t, s)
}

// awaitRuns waits, without a change of its own, until the store has so many runs.
func awaitRuns(t *testing.T, s *Store, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		var have uint64
		_, err := s.view(func(r *reader) error {
			l, err := readLedger(r)
			have = l.Digests[format.BucketRuns].Rows
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
		if have == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d runs are kept and not %d", have, want)
		}
	}
}

func TestLoweredKeepRunsTrimsByItself(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("job")
	job.Options.KeepRuns = 5000
	commit(t, s, messages.JobRow{Job: job})
	for n := 0; n < 3000; n += 500 {
		var rows []messages.Row
		for i := range 500 {
			rows = append(rows, messages.RunRow{Run: testRun(n+i, "job", messages.RunSucceeded)})
		}
		commit(t, s, rows...)
	}
	most, before := uint64(0), uint64(3000)
	s.commit = func(tx *bolt.Tx) error { // of one goroutine, the committer's
		l, err := readLedger(newReader(tx, s.ring))
		most, before = max(most,
			before-l.Digests[format.BucketRuns].Rows), l.Digests[format.BucketRuns].Rows
		if err != nil {
			return err
		}
		return tx.Commit()
	}
	job.Options.KeepRuns = 7
	commit(t, s, messages.JobRow{Job: job})
	awaitRuns(t, s, 7)
	commit(t, s, messages.SettingRow{Name: "after", Value: []byte("all")})
	if most == 0 || most > trimAlone {
		t.Errorf("one transaction trimmed %d runs", most)
	}
	checkCounted(t, s)
}

// shippable returns the rows of a run with output in files and the document that refers to it.
func shippable(t *testing.T, s *Store, n int) []messages.Row {
	t.Helper()
	run := testRun(n, "job", messages.RunSucceeded)
	o := s.NewOutput(run.ID, 1<<20)
	if err := o.Write(messages.Stdout, make([]byte, 100_000), run.DueAt); err != nil {
		t.Fatal(err)
	}
	var err error
	if run.Output, err = o.Close(); err != nil {
		t.Fatal(err)
	}
	other := messages.DocumentRow{Document: messages.Document{
		ID:    "other",
		Class: messages.DocumentLog,
	}}
	document := messages.DocumentRow{Document: messages.Document{
		ID:     run.ID,
		Class:  messages.DocumentOutput,
		Output: &messages.OutputRef{RunID: run.ID, Stream: messages.Stdout, To: 100_000},
	}}
	return []messages.Row{other, messages.RunRow{Run: run}, document}
}

func TestOutputThatWaitsToBeShippedStays(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("job")
	job.Options.KeepRuns = 1
	commit(t, s, messages.JobRow{Job: job}, limitBytes(1<<20))
	for n := range 5 {
		commit(t, s, shippable(t, s, n)...)
	}
	if found := allPages(t, s, messages.RunQuery{}); len(found) != 5 {
		t.Fatalf("kept %v", found)
	}
	shipped := func(w *writer) error {
		return w.Remove(format.BucketOutbox, waitingKey(messages.DocumentKey{
			Class:    messages.DocumentOutput,
			Sequence: 4,
		}))
	}
	if _, err := s.write(shipped); err != nil { // the committer has nothing to do meanwhile
		t.Fatal(err)
	}
	commit(t, s, shippable(t, s, 5)...)
	found := allPages(t, s, messages.RunQuery{})
	if len(found) != 5 || found[3] != testRunID(2) || found[4] != testRunID(0) {
		t.Errorf("run 1 was shipped; kept are %v", found)
	}
	for n := 6; n < 30; n++ {
		commit(t, s, shippable(t, s, n)...)
	}
	if found = allPages(t, s, messages.RunQuery{}); len(found) < 11 || len(found) > 13 ||
		found[0] != testRunID(29) {
		t.Errorf("nothing is shipped for long; kept are %d", len(found))
	}
	checkCounted(t, s)
}

// A dead letter can be tried again, which needs the output that it refers to.
func TestOutputOfADeadLetterStays(t *testing.T) {
	s := openStore(t, t.TempDir())
	job := testJob("job")
	job.Options.KeepRuns = 1
	commit(t, s, messages.JobRow{Job: job}, limitBytes(1<<20))
	commit(t, s, shippable(t, s, 0)...)
	refuse := func(sequence uint64) {
		t.Helper()
		key := messages.DocumentKey{Class: messages.DocumentOutput, Sequence: sequence}
		commit(t, s, messages.DocumentRefused{
			Key:    key,
			Status: 400,
			Reason: "no",
			At:     queueTime(1),
		})
	}
	kept := func(want bool, why string) {
		t.Helper()
		commit(t, s, messages.SettingRow{Name: "trim", Value: []byte(why)})
		if run, err := s.Run(testRunID(0)); (err == nil) != want || want &&
			run.Output.StdoutBytes != 100_000 {
			t.Errorf("%s: %+v, %v", why, run, err)
		}
		checkCounted(t, s)
		checkOutbox(t, s)
	}
	refuse(2)
	commit(t, s, messages.RunRow{Run: testRun(1, "job", messages.RunSucceeded)})
	kept(true, "a dead letter")
	commit(t, s, messages.DeadRetried{ID: testRunID(0)})
	s = reopen(t, s)
	kept(true, "a dead letter that is tried again")
	refuse(3)
	kept(true, "a dead letter that was refused again")
	commit(t, s, messages.DeadGone{ID: testRunID(0)})
	commit(t, s, messages.RunRow{Run: testRun(2, "job", messages.RunSucceeded)})
	kept(false, "a deleted dead letter")
}

func TestFileWithoutCountersIsCounted(t *testing.T) {
	s := openStore(t, t.TempDir())
	run := testRun(1, "job", messages.RunSucceeded)
	run.Output = messages.OutputSummary{InFile: true, StdoutBytes: 1 << 30, StderrBytes: 5}
	commit(t, s, messages.RunRow{Run: testRun(0, "job", messages.RunQueued)},
		messages.RunRow{Run: run})
	earlier := func(w *writer) error {
		e := w.fresh()
		encodeRun(e, &run)
		id, _ := format.ParseRunKey(run.ID)
		w.ledger.RunBytes, w.ledger.RunsCounted = 0, false
		return w.Put(format.BucketRuns, id[:], e.Buf)
	}
	if _, err := s.write(earlier); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	commit(t, s, messages.RunRow{Run: testRun(2, "job", messages.RunQueued)})
	checkCounted(t, s)
	if want := uint64(messages.DefaultJobOptions().OutputLimitBytes); s.ledger.RunBytes < want ||
		s.ledger.RunBytes > want+2000 {
		t.Errorf("%d bytes", s.ledger.RunBytes)
	}
	commit(t, s, messages.RunRow{Run: run})
	checkCounted(t, s)
}

func TestListsOfNamesWithoutRunsGo(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, limitBytes(1<<20))
	for n := range 200 {
		commit(t, s, messages.RunRow{Run: wordy(n, fmt.Sprint("script ", n))})
	}
	_, err := s.view(func(r *reader) error {
		l, err := readLedger(r)
		runs, lists := l.Digests[format.BucketRuns].Rows, l.Digests[format.BucketRunLists].Rows
		if runs != lists {
			t.Errorf("%d lists for %d runs", lists, runs)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := verify.VerifyFile(filepath.Join(filepath.Dir(s.output), datadir.DatabaseName),
		mustReadKey(t, s)); err != nil {
		t.Error(err)
	}
}

func mustReadKey(t *testing.T, s *Store) keyring.Key {
	t.Helper()
	kek, err := keyring.ReadKeyFile(filepath.Join(filepath.Dir(s.output), datadir.KeyName))
	if err != nil {
		t.Fatal(err)
	}
	return kek
}
