package persistence

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gusty/messages"
)

// TestFullFileSystem fills a file system of its own, which takes root.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
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

// fullOutput writes output where there is no room for it: the run goes on, and the summary says that it is not kept.
func fullOutput(t *testing.T, s *Store) {
	t.Helper()
	filler := filepath.Join(s.output, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("there is still room")
	}
	o := s.NewOutput(testRunID(1), 1<<20)
	err := o.Write(messages.Stdout, make([]byte, 100_000), time.Unix(1, 0))
	if messages.CodeOf(err) != messages.CodeStorageFull {
		t.Errorf("Write: %v", err)
	}
	if summary, _ := o.Close(); summary.StdoutBytes != 100_000 || !summary.StdoutTruncated {
		t.Errorf("summary %+v", summary)
	}
	o.Remove()
	if err := os.Remove(filler); err != nil {
		t.Error(err)
	}
}
