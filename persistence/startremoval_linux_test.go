package persistence

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"gusty/persistence/internal/datadir"
)

// What is noted outlives the removal of the file, by whomever.
func TestStartsThatWereRemovedAreWrittenAgain(t *testing.T) {
	s := noteOneOfTwo(t)
	if err := os.Remove(s.starts.path); err != nil {
		t.Fatal(err)
	}
	if err := s.NoteStart(startsRun(2)); err != nil {
		t.Fatal(err)
	}
	next := openBoot(t, killed(t, s), "boot-1")
	requireTraces(t, "in the next life", next, noted, noted)
}

// A named pipe of the file's name neither holds up the start nor stays.
func TestANamedPipeIsNoFileOfStarts(t *testing.T) {
	dir := killed(t, noteOneOfTwo(t))
	path := filepath.Join(dir, datadir.StartsName)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openBoot(t, dir, "boot-1")
	requireTraces(t, "with a pipe in its place", s, unknown, unknown)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}

// An agent of a version that notes no starts may have written last: then the file counts for
// nothing.
func TestStartsBesideAWriterThatNotesNoneAreWorthless(t *testing.T) {
	s := noteOneOfTwo(t)
	if _, err := s.write(func(w *writer) error {
		w.ledger.StartsNoted = false
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	next := openBoot(t, killed(t, s), "boot-1")
	requireTraces(t, "after an earlier version", next, unknown, unknown)
}
