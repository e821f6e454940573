package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/datadir"
)

// TestReadOnlyFileSystem mounts a file system of its own, which takes root. The lock file is
// missing, so that the directory stands for it.
func TestReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=700"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, dir)
	commit(t, s, messages.JobRow{Job: testJob("there")})
	if err := errors.Join(s.Close(), os.Remove(filepath.Join(dir, datadir.LockName))); err != nil {
		t.Fatal(err)
	}
	remount(syscall.MS_RDONLY)
	s = openStore(t, dir)
	if s.Stats().Degraded != string(messages.CodeStorageReadOnly) {
		t.Errorf("at the start: %+v", s.Stats())
	}
	if _, err := s.Job("there"); err != nil {
		t.Error(err)
	}
	if c := try(s,
		messages.JobRow{Job: testJob("refused")}); messages.CodeOf(
		c.Err) != messages.CodeStorageReadOnly {
		t.Errorf("a change: %v", c.Err)
	}
	jobs := 0
	count := func(row table.TableRow) error {
		if row.Table() == messages.TableJobs {
			jobs++
		}
		return nil
	}
	if err := s.Export(table.ExportQuery{}, count); err != nil || jobs != 1 {
		t.Errorf("an export of %d jobs: %v", jobs, err)
	}
	if _, err := s.Backup(); messages.CodeOf(err) != messages.CodeStorageReadOnly {
		t.Errorf("a backup: %v", err)
	}
	if _, err := Open(Options{Dir: dir}); !errors.As(err, new(*datadir.InUseError)) {
		t.Errorf("a second one: %v", err)
	}
	remount(0)
	commit(t, s, messages.JobRow{Job: testJob("taken")})
	if s.Stats().Degraded != "" {
		t.Errorf("after a commit: %+v", s.Stats())
	}
	if _, err := Open(Options{Dir: dir}); !errors.As(err, new(*datadir.InUseError)) {
		t.Errorf("a second one, when there is a lock file: %v", err)
	}
	s = reopen(t, s)
	for _, name := range []string{"there", "taken"} {
		if _, err := s.Job(name); err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
