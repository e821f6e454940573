package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// storeRunWithOutput stores a run that printed more than fits into its row.
func storeRunWithOutput(t testing.TB, s *Store, n int, name string) {
	t.Helper()
	o := s.NewOutput(testRunID(n), 1<<20)
	if err := o.Write(messages.Stdout, killedOutput(n), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	summary, err := o.Close()
	if err != nil {
		t.Fatal(err)
	}
	run := testRun(n, name, messages.RunSucceeded)
	run.Output = summary
	commit(t, s, messages.RunRow{Run: run})
}

func requireOutput(t testing.TB, s *Store, n int) {
	t.Helper()
	var printed []byte
	err := s.EachOutput(testRunID(n), func(c messages.OutputChunk) error {
		printed = append(printed, c.Data...)
		return nil
	})
	if err != nil || !bytes.Equal(printed, killedOutput(n)) {
		t.Errorf("run %d: %d bytes of output, %v", n, len(printed), err)
	}
}

// archived returns a backup as a whole.
func archived(t testing.TB, b *Backup) []byte {
	t.Helper()
	var archive bytes.Buffer
	n, err := b.WriteTo(&archive)
	if err != nil || n != int64(archive.Len()) {
		t.Fatalf("WriteTo gave %d of %d bytes, %v", n, archive.Len(), err)
	}
	return archive.Bytes()
}

func backup(t testing.TB, s *Store) []byte {
	t.Helper()
	b, err := s.Backup()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return archived(t, b)
}

func discardBackup(archive []byte) error {
	_, err := ReadBackup(bytes.NewReader(archive), func(_ string, content io.Reader) error {
		_, err := io.Copy(io.Discard, content)
		return err
	})
	return err
}

// TestBackupIsOneMoment takes backups while many write: each shows one transaction, whole.
func TestBackupIsOneMoment(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	commit(t, s, messages.SettingRow{
		Name:  "a",
		Value: []byte("0"),
	}, messages.SettingRow{Name: "b", Value: []byte("0")})
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				value := []byte(fmt.Sprint(w, " ", n))
				try(s, messages.SettingRow{
					Name:  "a",
					Value: value,
				}, messages.JobRow{Job: testJob(fmt.Sprint("job ", n%40))}, messages.SettingRow{
					Name:  "b",
					Value: value,
				})
			}
		})
	}
	for range 5 {
		archive := backup(t, s)
		to := restored(t, dir, archive)
		r := openStore(t, to)
		a, errA := r.Setting("a")
		b, errB := r.Setting("b")
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("one change was cut in two: %q, %q, %v, %v", a, b, errA, errB)
		}
	}
	close(stop)
	writers.Wait()
}

// restored restores an archive to a directory of its own, with the key of another.
func restored(t testing.TB, keyDir string, archive []byte) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "elsewhere")
	_, err := Restore(RestoreOptions{
		Dir:        to,
		KeyFile:    filepath.Join(keyDir, datadir.KeyName),
		InstallKey: true,
	}, bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestBackupKeepsTrimmedOutput: what is trimmed after the copy was made is still in it, and gone
// from the store.
func TestBackupKeepsTrimmedOutput(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	job := testJob("job")
	job.Options.KeepRuns = 2
	commit(t, s, messages.JobRow{Job: job})
	storeRunWithOutput(t, s, 1, "job")
	b, err := s.Backup()
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 6; n++ {
		storeRunWithOutput(t, s, n, "job")
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.OutputName, testRunID(1)+".0")); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("the output of a trimmed run is still there: %v", err)
	}
	archive := archived(t, b)
	b.Close()
	requireOutput(t, openStore(t, restored(t, dir, archive)), 1)
}

func TestTrimmingWaitsForTheLinks(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	job := testJob("job")
	job.Options.KeepRuns = 1
	commit(t, s, messages.JobRow{Job: job})
	storeRunWithOutput(t, s, 1, "job")
	s.trimming.hold()
	storeRunWithOutput(t, s, 2, "job")
	file := filepath.Join(dir, datadir.OutputName, testRunID(1)+".0")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	s.releaseTrimmed()
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output stayed: %v", err)
	}
}

// TestBackupOfAGrowingOutput: of a run under way the backup has what was in its files then.
func TestBackupOfAGrowingOutput(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	commit(t, s, messages.RunRow{Run: testRun(1, "job", messages.RunRunning)})
	o := s.NewOutput(testRunID(1), 1<<20)
	first := bytes.Repeat([]byte("first "), 20000)
	if err := o.Write(messages.Stdout, first, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	b, err := s.Backup()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Write(messages.Stdout, bytes.Repeat([]byte("second "), 30000),
		time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	archive := archived(t, b)
	b.Close()
	if _, err := o.Close(); err != nil {
		t.Fatal(err)
	}
	r := openStore(t, restored(t, dir, archive))
	var printed []byte
	err = r.EachOutput(testRunID(1), func(c messages.OutputChunk) error {
		printed = append(printed, c.Data...)
		return nil
	})
	if err != nil || len(printed) == 0 || !bytes.HasPrefix(first, printed) {
		t.Errorf("%d bytes of output, %v", len(printed), err)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	s := openStore(t, t.TempDir())
	b, err := s.Backup()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(); messages.CodeOf(err) != messages.CodeBusy {
		t.Errorf("the second one: %v", err)
	}
	b.Close()
	b.Close()
	if _, err := os.Stat(s.spool); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
	backup(t, s)
}

func TestStartEmptiesTheSpool(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := s.Backup(); err != nil {
		t.Fatal(err)
	}
	reopen(t, s)
	if _, err := os.Stat(filepath.Join(dir, spoolName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
}

// TestAlteredBackup changes and cuts archives: each is refused, or the change lies in what means
// nothing.
func TestAlteredBackup(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	storeRunWithOutput(t, s, 1, "job")
	archive := backup(t, s)
	if err := discardBackup(archive); err != nil {
		t.Fatal(err)
	}
	// the last line; behind it there is padding
	end := bytes.LastIndex(archive, []byte(manifestName))
	for size := 0; size < end; size += 512 {
		if err := discardBackup(archive[:size]); !errors.Is(err, ErrBackup) {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	refused := 0
	for range 300 {
		altered := bytes.Clone(archive)
		at := random.IntN(len(altered))
		altered[at] ^= 1 << random.IntN(8)
		switch err := discardBackup(altered); {
		case errors.Is(err, ErrBackup):
			refused++
		case err != nil:
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if refused < 250 {
		t.Errorf("only %d of 300 changes were noticed", refused)
	}
}
