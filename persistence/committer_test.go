package persistence

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
)

// hold makes the committer wait inside of a commit until release is called; what is submitted
// meanwhile shares the next transaction.
func hold(s *Store) (held <-chan struct{}, release func()) {
	entered, let := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.commit = func(tx *bolt.Tx) error {
		once.Do(func() { close(entered); <-let })
		return tx.Commit()
	}
	return entered, func() { close(let) }
}

func TestChangesShareATransaction(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.JobRow{Job: testJob("there")})
	held, release := hold(s)
	first := make(chan messages.Committed, 1)
	s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{
		Name:  "a",
		Value: []byte("1"),
	}}}, func(c messages.Committed) {
		first <- c
	})
	<-held
	answers := make(chan messages.Committed, 3)
	for _, rows := range [][]messages.Row{
		{messages.JobRow{Job: testJob("new"), Expect: messages.ExpectAbsent}},
		{messages.SettingRow{Name: "b", Value: []byte("2")}, messages.JobRow{Job: testJob("there"), Expect: messages.ExpectAbsent}},
		{messages.JobRow{Job: testJob("new"), Expect: messages.ExpectAbsent}},
	} {
		s.Submit(messages.Change{Rows: rows}, func(c messages.Committed) { answers <- c })
	}
	before := s.Stats()
	release()
	if c := <-first; c.Err != nil {
		t.Fatal(c.Err)
	}
	one, two, three := <-answers, <-answers, <-answers
	if one.Err != nil || one.TxID == 0 {
		t.Errorf("the first: %+v", one)
	}
	if messages.CodeOf(two.Err) != messages.CodeExists ||
		messages.CodeOf(three.Err) != messages.CodeExists {
		t.Errorf("the others: %v, %v", two.Err, three.Err)
	}
	if v, err := s.Setting("b"); err != nil || v != nil {
		t.Errorf("a row of a refused change was written: %q, %v", v, err)
	}
	if after := s.Stats(); after.Commits-before.Commits != 2 || after.Changes-before.Changes != 2 {
		t.Errorf("stats %+v, then %+v", before, after)
	}
	reopen(t, s)
}

func TestARefusalCommitsNothing(t *testing.T) {
	s := openStore(t, t.TempDir())
	before := s.Stats().Commits
	if c := try(s,
		messages.JobGone{Name: "none"}); messages.CodeOf(c.Err) != messages.CodeNotFound {
		t.Fatal(c.Err)
	}
	if s.Stats().Commits != before {
		t.Error("a transaction was committed for nothing")
	}
}

// strangeRow is a row of no known kind, which fails when it is applied.
type strangeRow struct{ messages.Row }

func TestAChangeThatCannotBeAppliedFailsAlone(t *testing.T) {
	s := openStore(t, t.TempDir())
	held, release := hold(s)
	s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{
		Name:  "a",
		Value: []byte("1"),
	}}}, func(messages.Committed) {})
	<-held
	answers := make(chan messages.Committed, 3)
	for _, row := range []messages.Row{messages.SettingRow{
		Name:  "b",
		Value: []byte("2"),
	}, strangeRow{}, messages.SettingRow{Name: "c", Value: []byte("3")}} {
		s.Submit(messages.Change{Rows: []messages.Row{row}}, func(c messages.Committed) {
			answers <- c
		})
	}
	release()
	if one, two, three := <-answers, <-answers, <-answers; one.Err != nil ||
		messages.CodeOf(two.Err) != messages.CodeInternal || three.Err != nil {
		t.Errorf("got %v, %v, %v", one.Err, two.Err, three.Err)
	}
	reopen(t, s)
}

func TestFullQueueIsBusy(t *testing.T) {
	s := openStore(t, t.TempDir())
	held, release := hold(s)
	s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{Name: "a"}}},
		func(messages.Committed) {})
	<-held
	var wait sync.WaitGroup
	for range maxQueued {
		wait.Add(1)
		s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{
			Name:  "a",
			Value: []byte("1"),
		}}}, func(c messages.Committed) {
			if c.Err != nil {
				t.Error(c.Err)
			}
			wait.Done()
		})
	}
	var refused error
	s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{Name: "a"}}},
		func(c messages.Committed) {
			refused = c.Err
		})
	if messages.CodeOf(refused) != messages.CodeBusy {
		t.Errorf("got %v", refused)
	}
	release()
	wait.Wait()
}

func TestCloseCommitsWhatIsQueued(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	held, release := hold(s)
	s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{Name: "a"}}},
		func(messages.Committed) {})
	<-held
	const count = 2 * maxBatch
	for n := range count {
		s.Submit(messages.Change{Rows: []messages.Row{messages.SettingRow{
			Name:  fmt.Sprint(n),
			Value: []byte("1"),
		}}}, func(messages.Committed) {})
	}
	release()
	s = reopen(t, s)
	for n := range count {
		if v, err := s.Setting(fmt.Sprint(n)); err != nil || v == nil {
			t.Fatalf("setting %d: %q, %v", n, v, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c := try(s,
		messages.SettingRow{Name: "late"}); messages.CodeOf(c.Err) != messages.CodeUnavailable {
		t.Errorf("after Close: %v", c.Err)
	}
}

func TestADiskWithoutRoomDegradesTheStore(t *testing.T) {
	for code, errno := range map[messages.Code]error{
		messages.CodeStorageFull: syscall.ENOSPC, messages.CodeStorageQuota: syscall.EDQUOT,
		messages.CodeStorageReadOnly: syscall.EROFS,
	} {
		t.Run(string(code), func(t *testing.T) {
			s := openStore(t, t.TempDir())
			commit(t, s, messages.SettingRow{Name: "a", Value: []byte("1")})
			s.commit = func(tx *bolt.Tx) error {
				return errors.Join(fmt.Errorf("write: %w", errno), tx.Rollback())
			}
			if c := try(s, messages.SettingRow{
				Name:  "a",
				Value: []byte("2"),
			}); messages.CodeOf(c.Err) != code {
				t.Fatalf("got %v", c.Err)
			}
			if got := s.Stats().Degraded; got != string(code) {
				t.Errorf("degraded: %q", got)
			}
			if v, err := s.Setting("a"); err != nil || string(v) != "1" {
				t.Errorf("read %q, %v", v, err)
			}
			s.commit = (*bolt.Tx).Commit
			commit(t, s, messages.SettingRow{Name: "a", Value: []byte("3")})
			if got := s.Stats().Degraded; got != "" {
				t.Errorf("still degraded: %q", got)
			}
			reopen(t, s)
		})
	}
}

func TestAnUnknownErrorEndsTheCommitter(t *testing.T) {
	for name, commitFails := range map[string]func(*bolt.Tx) error{
		"error":                        func(tx *bolt.Tx) error { return errors.Join(syscall.EIO, tx.Rollback()) },
		"no space after the meta page": func(tx *bolt.Tx) error { return errors.Join(tx.Commit(), syscall.ENOSPC) },
		"no error number, but room":    func(tx *bolt.Tx) error { return errors.Join(errors.New("file resize error"), tx.Rollback()) },
		"panic":                        func(*bolt.Tx) error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			s.commit = commitFails
			c := try(s, messages.SettingRow{Name: "a", Value: []byte("1")})
			if c.Err == nil || messages.AsError(c.Err) != nil {
				t.Errorf("got %v, want an error that is no refusal", c.Err)
			}
			if err := <-s.Failed(); err == nil {
				t.Error("the store did not say that it failed")
			}
			if c := try(s,
				messages.SettingRow{Name: "a"}); messages.CodeOf(
				c.Err) != messages.CodeUnavailable {
				t.Errorf("afterwards: %v", c.Err)
			}
		})
	}
}

func TestAReaderDoesNotBlockTheCommitter(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.JobRow{Job: testJob("job")})
	_, err := s.LoadJobs(func(messages.JobHead) error {
		for n := range 200 {
			commit(t, s, messages.SettingRow{Name: fmt.Sprint(n), Value: make([]byte, 50_000)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ReleaseMemory(); err != nil {
		t.Error(err)
	}
	reopen(t, s)
}

func TestChangesAreCommittedInOrder(t *testing.T) {
	s := openStore(t, t.TempDir())
	const count = 1000
	answers := make(chan int, count)
	var last uint64
	for n := range count {
		s.Submit(
			messages.Change{Rows: []messages.Row{messages.DocumentRow{Document: messages.Document{
				Class: messages.DocumentLog,
				ID:    fmt.Sprint(n),
			}}}}, func(c messages.Committed) {
				if c.Err != nil || c.TxID < last {
					t.Errorf("change %d: %+v after transaction %d", n, c, last)
				}
				last = c.TxID
				answers <- n
			})
	}
	for n := range count {
		if got := <-answers; got != n {
			t.Fatalf("change %d was answered as number %d", got, n)
		}
	}
	next := 0
	err := s.Documents(0, func(d messages.Document) (bool, error) {
		if d.ID != fmt.Sprint(next) || d.Sequence != uint64(next+1) {
			t.Errorf("document %d is %+v", next, d)
		}
		next++
		return true, nil
	})
	if err != nil || next != count {
		t.Errorf("%d documents, %v", next, err)
	}
}
