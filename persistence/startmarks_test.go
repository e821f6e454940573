package persistence

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// startsRun is the id of the nth run of these tests, in order.
func startsRun(n int) string { return fmt.Sprintf("01890000-0000-7000-8000-%012d", n) }

func queuedRun(n int) messages.RunRow {
	return messages.RunRow{Run: messages.Run{
		ID: startsRun(n), ScriptName: "a", Kind: messages.RunOfJob, State: messages.RunQueued,
		Trigger: messages.TriggerSchedule, Attempt: 1, Armed: true,
	}}
}

// killed copies what a killed process leaves of a store that is open, with a generation that is up
// to date.
func killed(t *testing.T, s *Store) (dir string) {
	t.Helper()
	dir = t.TempDir()
	generation := s.witness.Marshal(s.witness.generation.Load())
	err := os.WriteFile(filepath.Join(dir, datadir.GenerationName), generation, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Dir(s.starts.path)
	for _, name := range []string{
		datadir.DatabaseName, datadir.KeyName, datadir.StartsName,
	} {
		content := mustRead(t, filepath.Join(from, name))
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openBoot(t *testing.T, dir, boot string, with ...func(*Options)) *Store {
	t.Helper()
	o := Options{Dir: dir, Agent: true, BootID: boot}
	for _, change := range with {
		change(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func requireTraces(t *testing.T, when string, s *Store, want ...messages.StartTrace) {
	t.Helper()
	for i, trace := range want {
		if got := s.StartOf(startsRun(i + 1)); got != trace {
			t.Errorf("%s: of run %d it is known %d, want %d", when, i+1, got, trace)
		}
	}
}

// noteOneOfTwo makes a store with two queued runs and a third that is running, of which the first
// and the third were started.
func noteOneOfTwo(t *testing.T) *Store {
	t.Helper()
	dir := t.TempDir()
	if err := openBoot(t, dir, "boot-1").Close(); err != nil {
		t.Fatal(err)
	}
	s := openBoot(t, dir, "boot-1")
	for n := range 3 {
		commit(t, s, queuedRun(n+1))
	}
	for _, n := range []int{1, 3} {
		if err := s.NoteStart(startsRun(n)); err != nil {
			t.Fatal(err)
		}
	}
	running := queuedRun(3)
	running.Run.State = messages.RunRunning
	commit(t, s, running)
	return s
}

const (
	unknown = messages.StartUnknown
	none    = messages.StartNone
	noted   = messages.StartNoted
)

func TestStartsAfterAKill(t *testing.T) {
	s := noteOneOfTwo(t)
	requireTraces(t, "in the same life", s, noted, none)
	next := openBoot(t, killed(t, s), "boot-1")
	requireTraces(t, "in the next life", next, noted, none)
	if err := next.NoteStart(startsRun(2)); err != nil {
		t.Fatal(err)
	}
	third := openBoot(t, killed(t, next), "boot-1")
	requireTraces(t, "in the third life", third, noted, noted)
	if n := len(third.starts.slots); n != 2 {
		t.Errorf("%d slots are in use: that of the run under way is not free", n)
	}
}

func TestWhatMakesStartsWorthless(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string) *Store{
		"another boot": func(t *testing.T, dir string) *Store {
			return openBoot(t, dir, "boot-2")
		},
		"a boot that cannot be told": func(t *testing.T, dir string) *Store {
			return openBoot(t, dir, "")
		},
		"no file": func(t *testing.T, dir string) *Store {
			if err := datadir.ForgetStarts(dir); err != nil {
				t.Fatal(err)
			}
			return openBoot(t, dir, "boot-1")
		},
		"a forged header": func(t *testing.T, dir string) *Store {
			path := filepath.Join(dir, datadir.StartsName)
			b := mustRead(t, path)
			clear(b[startsAfterAt : startsAfterAt+16])
			b[startsAfterAt+15] = 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return openBoot(t, dir, "boot-1")
		},
		"a database whose generation nobody noted": func(t *testing.T, dir string) *Store {
			if err := os.Remove(filepath.Join(dir, datadir.GenerationName)); err != nil {
				t.Fatal(err)
			}
			return openBoot(t, dir, "boot-1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := change(t, killed(t, noteOneOfTwo(t)))
			requireTraces(t, name, s, unknown, unknown, unknown, none)
			if err := s.NoteStart(startsRun(5)); err != nil {
				t.Fatal(err)
			}
			requireTraces(t, name, s, unknown, unknown, unknown, none, noted)
		})
	}
}

// A start that cannot be noted puts its run in doubt, and those made before it or noted by then.
func TestAStartThatCannotBeNoted(t *testing.T) {
	s := noteOneOfTwo(t)
	if err := s.starts.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.NoteStart(startsRun(2)); err == nil {
		t.Error("it is said to be noted")
	}
	requireTraces(t, "then", s, unknown, unknown, none, none)
	commit(t, s, queuedRun(4))
	if err := s.NoteStart(startsRun(4)); err != nil {
		t.Fatal(err)
	}
	next := openBoot(t, killed(t, s), "boot-1")
	requireTraces(t, "after a kill", next, unknown, unknown, none, noted, none)
}

// Slots are used again: the file does not grow with the number of runs.
func TestSlotsOfStartsAreUsedAgain(t *testing.T) {
	s := openBoot(t, t.TempDir(), "boot-1")
	for n := range 20 {
		commit(t, s, queuedRun(n+1))
		if err := s.NoteStart(startsRun(n + 1)); err != nil {
			t.Fatal(err)
		}
		over := queuedRun(n + 1)
		over.Run.State = messages.RunSucceeded
		commit(t, s, over)
	}
	if b := mustRead(t, s.starts.path); len(b) > startsHead+2*startsSlot {
		t.Errorf("the file has %d bytes", len(b))
	}
}

func TestRunsLeft(t *testing.T) {
	s := noteOneOfTwo(t)
	commit(t, s, messages.RunsLeft{})
	for n, armed := range map[int]bool{1: true, 2: false} {
		run, err := s.Run(startsRun(n))
		if err != nil || run.Armed != armed || run.State != messages.RunQueued {
			t.Errorf("run %d is %+v, %v", n, run, err)
		}
	}
}

func TestAQueuedRunCarriesItsScript(t *testing.T) {
	s := openBoot(t, t.TempDir(), "boot-1")
	row := queuedRun(1)
	row.Run.Kind = messages.RunOfScript
	row.Script = &messages.Job{
		Name: "a", Content: []byte("echo"), Options: messages.DefaultJobOptions(),
	}
	commit(t, s, row)
	row.Script, row.Run.Armed = nil, false
	commit(t, s, row)
	if job, err := s.RunScript(startsRun(1)); err != nil || string(job.Content) != "echo" {
		t.Errorf("it carries %+v, %v", job, err)
	}
	row.Run.State = messages.RunRunning
	commit(t, s, row)
	if _, err := s.RunScript(startsRun(1)); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("when it runs: %v", err)
	}
}
