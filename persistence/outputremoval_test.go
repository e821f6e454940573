package persistence

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/format"
)

// letteredLines returns lines that tell what is missing among them.
func letteredLines(lines int) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 1023) + "\n")
	}
	return b.String()
}

func keyOfRun(t *testing.T, n int) format.RunKey {
	t.Helper()
	key, ok := format.ParseRunKey(testRunID(n))
	if !ok {
		t.Fatal("no key of a run")
	}
	return key
}

func headPath(t *testing.T, s *Store) string {
	t.Helper()
	return segmentPath(s.output, keyOfRun(t, 1), segmentHead)
}

// TestOutputSurvivesTheRemovalOfItsFiles removes the files of a run that goes on, and the
// directory.
func TestOutputSurvivesTheRemovalOfItsFiles(t *testing.T) {
	for name, remove := range map[string]func(*testing.T, *Store) error{
		"directory": func(t *testing.T, s *Store) error { return os.RemoveAll(s.output) },
		"file":      func(t *testing.T, s *Store) error { t.Helper(); return os.Remove(headPath(t, s)) },
		"replaced": func(t *testing.T, s *Store) error {
			path := headPath(t, s)
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("another's"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			o := s.NewOutput(testRunID(1), 1<<20)
			storeRunInState(t, s, 1, messages.RunRunning, messages.OutputSummary{})
			follower := followRun(t, s, 1)
			text := letteredLines(200)
			for at := 0; at < len(text); at += 40 << 10 {
				printTo(t, o, messages.Stdout, text[at:min(at+40<<10, len(text))], time.Now())
				if err := remove(t, s); err != nil {
					t.Fatal(err)
				}
				if got, _ := readOutput(t, s,
					1); got[messages.Stdout] != text[:min(at+40<<10, len(text))] {
					t.Fatalf("%d bytes are read while the run goes on", len(got[messages.Stdout]))
				}
			}
			if err := remove(t, s); err != nil {
				t.Fatal(err)
			}
			summary := closeOutput(t, o)
			if summary.StdoutTruncated || !summary.InFile ||
				summary.StdoutBytes != int64(len(text)) {
				t.Errorf("%+v", summary)
			}
			storeRun(t, s, 1, summary)
			if got, _ := readOutput(t, s, 1); got[messages.Stdout] != text {
				t.Errorf("%d bytes are read afterwards", len(got[messages.Stdout]))
			}
			all, err := followToEnd(follower)
			if err != nil || all.text[0].String() != text {
				t.Errorf("%d bytes were followed, %v", all.text[0].Len(), err)
			}
			if info, err := os.Stat(s.output); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the directory: %v, %v", info, err)
			}
		})
	}
}

// TestOutputIsSaidToBeLost has something stand where the file belongs that can't be removed.
func TestOutputIsSaidToBeLost(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	text := letteredLines(100)
	printTo(t, o, messages.Stdout, text, time.Now())
	path := headPath(t, s)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	summary, err := o.Close()
	if err == nil || !summary.StdoutTruncated || summary.StdoutBytes != int64(len(text)) {
		t.Fatalf("%+v, %v", summary, err)
	}
}

// TestOutputDirectoryIsRemovedUnderLoad has several runs print while somebody removes the
// directory.
func TestOutputDirectoryIsRemovedUnderLoad(t *testing.T) {
	s := openStore(t, t.TempDir())
	text := letteredLines(300)
	stop := make(chan struct{})
	var remover, runs sync.WaitGroup
	remover.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				_ = os.RemoveAll(s.output) // it may be filled meanwhile
			}
		}
	})
	for n := range 8 {
		o := s.NewOutput(testRunID(n), 1<<20)
		storeRunInState(t, s, n, messages.RunRunning, messages.OutputSummary{})
		follower := followRun(t, s, n)
		printTo(t, o, messages.Stdout, text[:1000], time.Now())
		begin := nextText(t, follower) // it reads along from here on
		followed := make(chan string, 1)
		go func() {
			all, err := followToEnd(follower)
			if err != nil {
				t.Error(err)
			}
			followed <- begin + all.text[0].String()
		}()
		runs.Go(func() {
			for at := 1000; at < len(text); at += 1000 {
				if err := o.Write(messages.Stdout, []byte(text[at:min(at+1000, len(text))]),
					time.Now()); err != nil {
					t.Error(err)
				}
			}
			summary, err := o.Close()
			if err != nil && !summary.StdoutTruncated || summary.StdoutBytes != int64(len(text)) {
				t.Errorf("run %d: %+v, %v", n, summary, err)
			}
			if got := <-followed; got != text {
				t.Errorf("run %d: %d bytes were followed", n, len(got))
			}
		})
	}
	runs.Wait()
	close(stop)
	remover.Wait()
}

// TestOtherUsersOfTheOutputDirectoryMakeItAgain is for what writes or lists there beside runs.
func TestOtherUsersOfTheOutputDirectoryMakeItAgain(t *testing.T) {
	s := openStore(t, t.TempDir())
	for name, use := range map[string]func() error{
		"probe": s.probe,
		"backup": func() error {
			b, err := s.Backup()
			if err == nil {
				b.Close()
			}
			return err
		},
		"export": func() error { return s.Export(table.ExportQuery{}, func(table.TableRow) error { return nil }) },
		"reseal": s.resealFiles,
	} {
		if err := os.RemoveAll(s.output); err != nil {
			t.Fatal(err)
		}
		if err := use(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
