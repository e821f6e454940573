package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gusty/messages"
)

// TestFullFileSystem fills a file system of its own, which takes root.
func TestFullFileSystem(t *testing.T) {
	dir := smallDisk(t)
	s := openStore(t, dir)
	stored := 0
	for ; stored < 1000; stored++ {
		job := testJob(fmt.Sprint("job ", stored))
		job.Content = bytes.Repeat([]byte("x"), 8000)
		c := try(s, messages.JobRow{Job: job})
		if c.Err == nil {
			continue
		}
		if messages.CodeOf(c.Err) != messages.CodeStorageFull {
			t.Fatal(c.Err)
		}
		break
	}
	if s.Stats().Degraded != string(messages.CodeStorageFull) {
		t.Errorf("after %d jobs: %+v", stored, s.Stats())
	}
	fullOutput(t, s)
	for n := range stored {
		if _, err := s.Job(fmt.Sprint("job ", n)); err != nil {
			t.Fatalf("job %d: %v", n, err)
		}
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, messages.JobRow{Job: testJob("room again")})
	s = reopen(t, s)
	if _, err := s.Job("room again"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// smallDisk mounts a file system of 2 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp takes what room there is, and gives what gives it back.
func fillUp(t *testing.T, s *Store) (empty func()) {
	t.Helper()
	filler := filepath.Join(s.output, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("there is still room")
	}
	return func() {
		if err := os.Remove(filler); err != nil {
			t.Error(err)
		}
	}
}

// fullOutput writes output where there is no room for it: the run goes on, and the summary says
// that it is not kept.
func fullOutput(t *testing.T, s *Store) {
	t.Helper()
	empty := fillUp(t, s)
	o := s.NewOutput(testRunID(1), 1<<20)
	err := o.Write(messages.Stdout, make([]byte, 100_000), time.Unix(1, 0))
	if messages.CodeOf(err) != messages.CodeStorageFull {
		t.Errorf("Write: %v", err)
	}
	summary, err := o.Close()
	if summary.StdoutBytes != 100_000 || !summary.StdoutTruncated || summary.InFile ||
		messages.CodeOf(err) != messages.CodeStorageFull {
		t.Errorf("summary %+v, %v", summary, err)
	}
	o.Remove()
	empty()
}

// numbered returns so many bytes of which each place can be told.
func numbered(size int) []byte {
	var text []byte
	for n := 0; len(text) < size; n++ {
		text = fmt.Appendf(text, "%07d\n", n)
	}
	return text[:size]
}

// requireCounts expects of a run's output that each byte is either there, in its place, or counted
// as left out.
func requireCounts(t *testing.T, each func(func(messages.OutputChunk) error) error, printed []byte,
	least int,
) {
	t.Helper()
	at, kept := 0, 0
	err := each(func(c messages.OutputChunk) error {
		if !bytes.HasPrefix(printed[min(at, len(printed)):], c.Data) {
			t.Errorf("what is told at %d was not printed there: %.20q", at, c.Data)
		}
		at += len(c.Data) + int(c.Skipped)
		kept += len(c.Data)
		return nil
	})
	if err != nil || at != len(printed) || kept < least {
		t.Errorf("told of %d bytes, %d of them kept, where %d were printed: %v", at, kept,
			len(printed), err)
	}
}

// TestOutputWhileTheDiskIsFull: it begins before and ends after. What was printed is counted, what
// was left out is told, also to one who reads along.
func TestOutputWhileTheDiskIsFull(t *testing.T) {
	s := openStore(t, smallDisk(t))
	o := s.NewOutput(testRunID(1), 1<<20)
	printed := numbered(700_000)
	follower := followRun(t, s, 1)
	write := func(from, to int) (err error) {
		for ; from < to; from += 10_000 {
			if e := o.Write(messages.Stdout, printed[from:from+10_000], time.Unix(1, 0)); e != nil {
				err = e
			}
		}
		return err
	}
	if err := write(0, 100_000); err != nil {
		t.Fatal(err)
	}
	empty := fillUp(t, s)
	if err := write(100_000, 600_000); messages.CodeOf(err) != messages.CodeStorageFull {
		t.Errorf("Write: %v", err)
	}
	requireCounts(t, func(each func(messages.OutputChunk) error) error {
		return s.EachOutput(testRunID(1), each)
	}, printed[:600_000], 80_000)
	empty()
	if err := write(600_000, 700_000); err != nil {
		t.Error(err)
	}
	summary, err := o.Close()
	if summary.StdoutBytes != 700_000 || !summary.StdoutTruncated || summary.StderrTruncated ||
		messages.CodeOf(err) != messages.CodeStorageFull {
		t.Errorf("summary %+v, %v", summary, err)
	}
	storeRun(t, s, 1, summary)
	requireCounts(t, func(each func(messages.OutputChunk) error) error {
		return s.EachOutput(testRunID(1), each)
	}, printed, 180_000)
	requireCounts(t, func(each func(messages.OutputChunk) error) error {
		for {
			c, err := follower.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err = errors.Join(err, each(c)); err != nil {
				return err
			}
		}
	}, printed, 180_000)
}

// TestLittleOutputOutlastsAFullDisk: what little a run prints goes into its row where no file takes
// it.
func TestLittleOutputOutlastsAFullDisk(t *testing.T) {
	for _, before := range []int{0, 50_000} {
		t.Run(fmt.Sprintf("%d bytes before", before), func(t *testing.T) {
			s := openStore(t, smallDisk(t))
			printed := numbered(before + maxHeldBytes)
			o := s.NewOutput(testRunID(1), 1<<20)
			printTo(t, o, messages.Stdout, string(printed[:before]), time.Unix(1, 0))
			if before > 0 {
				o.flushLate()
			}
			empty := fillUp(t, s)
			for at := before; at < len(printed); at += maxHeldBytes / 4 {
				printTo(t, o, messages.Stdout, string(printed[at:at+maxHeldBytes/4]),
					time.Unix(int64(at), 0))
				o.flushLate()
			}
			summary := closeOutput(t, o)
			if summary.StdoutBytes != int64(len(printed)) || summary.StdoutTruncated ||
				summary.InFile != (before > 0) || len(summary.Inline) == 0 {
				t.Errorf("summary %+v", summary)
			}
			empty()
			storeRun(t, s, 1, summary)
			s = reopen(t, s)
			requireCounts(t, func(each func(messages.OutputChunk) error) error {
				return s.EachOutput(testRunID(1), each)
			}, printed, len(printed))
		})
	}
}

// TestBeginningAndEndOutlastAFullDisk: of more, the first and the last of both streams, as they
// came.
func TestBeginningAndEndOutlastAFullDisk(t *testing.T) {
	s := openStore(t, smallDisk(t))
	empty := fillUp(t, s)
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stderr, "begun ", time.Unix(1, 0))
	for range 100 {
		_ = o.Write(messages.Stdout, numbered(10_000), time.Unix(2, 0)) // of the summary's error
	}
	_ = o.Write(messages.Stderr, []byte("failed"), time.Unix(3, 0))
	summary, err := o.Close()
	if messages.CodeOf(err) != messages.CodeStorageFull || summary.StdoutBytes != 1_000_000 ||
		!summary.StdoutTruncated || summary.StderrTruncated {
		t.Errorf("summary %+v, %v", summary, err)
	}
	empty()
	storeRun(t, s, 1, summary)
	text, skipped := readOutput(t, s, 1)
	if text[messages.Stderr] != "begun failed" ||
		skipped[messages.Stdout] != 1_000_000-maxHeldBytes+int64(len("begun failed")) {
		t.Errorf("stderr %q, skipped %v", text[messages.Stderr], skipped)
	}
}
