package persistence

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
)

// hollow makes a store whose file is mostly free: jobs with long scripts that are deleted but for
// every tenth. It returns how many were made.
func hollow(t testing.TB, dir string) (jobs int) {
	t.Helper()
	const made = 1000
	s := openStore(t, dir)
	for n := 0; n < made; n += 100 {
		var rows []messages.Row
		for i := range 100 {
			job := testJob(fmt.Sprint("job ", n+i))
			job.Content = make([]byte, 8000)
			rows = append(rows, messages.JobRow{Job: job},
				messages.RunRow{Run: testRun(n+i, job.Name, messages.RunSucceeded)})
		}
		commit(t, s, rows...)
	}
	var gone []messages.Row
	for n := range made {
		if n%10 != 0 {
			gone = append(gone, messages.JobGone{Name: fmt.Sprint("job ", n)})
		}
	}
	commit(t, s, gone...)
	// the pages are free with the next transaction
	commit(t, s, messages.SettingRow{Name: "after", Value: []byte("all")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return made
}

// checkHollow reads what hollow left.
func checkHollow(t testing.TB, s *Store, made int) {
	t.Helper()
	for n := range made {
		_, err := s.Job(fmt.Sprint("job ", n))
		if (messages.CodeOf(err) == messages.CodeNotFound) != (n%10 != 0) {
			t.Fatalf("job %d: %v", n, err)
		}
	}
	if runs := allPages(t, s, messages.RunQuery{Limit: 1000}); len(runs) != made {
		t.Errorf("%d runs", len(runs))
	}
	checkCounted(t, s)
}

func fileSize(t testing.TB, dir string) int64 {
	t.Helper()
	size, err := sizeOfFile(filepath.Join(dir, datadir.DatabaseName))
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestStartCompactsAFileThatIsMostlyFree(t *testing.T) {
	dir := t.TempDir()
	made := hollow(t, dir)
	before := fileSize(t, dir)
	s := openStore(t, dir)
	if after := fileSize(t, dir); before < 8<<20 || after > before/3 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	checkHollow(t, s, made)
	after := fileSize(t, dir)
	checkHollow(t, reopen(t, s), made)
	if again := fileSize(t, dir); again > after+growBytes {
		t.Errorf("%d bytes, then %d", after, again)
	}
}

func TestCompactTellsItsProgress(t *testing.T) {
	dir := t.TempDir()
	made := hollow(t, dir)
	calls, last := 0, uint64(0)
	c, err := Compact(Options{Dir: dir}, func(done, all uint64) {
		if calls++; done < last || done > all {
			t.Errorf("%d of %d after %d", done, all, last)
		}
		last = done
	})
	if err != nil || c.Before < 8<<20 || c.After > c.Before/3 || calls < 4 {
		t.Errorf("%+v after %d calls, %v", c, calls, err)
	}
	checkHollow(t, openStore(t, dir), made)
}

func TestCompactRefuses(t *testing.T) {
	if _, err := Compact(Options{Dir: t.TempDir()}, nil); err == nil {
		t.Error("an empty directory was compacted")
	}
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := Compact(Options{Dir: dir}, nil); err == nil {
		t.Error("an open store was compacted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, datadir.DatabaseName)
	if err := os.Truncate(database, 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := Compact(Options{Dir: dir}, nil); err == nil || fileSize(t, dir) != 8192 {
		t.Error("a damaged database was touched")
	}
}

// compactForever is a child that compacts again and again, and prints a line at each step that it
// takes.
func compactForever(dir string) int {
	for {
		if _, err := Compact(Options{Dir: dir}, func(done, all uint64) {
			fmt.Println(done, all)
		}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("compacted")
	}
}

func TestKillDuringCompactionLosesNothing(t *testing.T) {
	dir := t.TempDir()
	made := hollow(t, dir)
	cycles := 25
	if testing.Short() {
		cycles = 5
	}
	for cycle := range cycles {
		killAtLine(t, dir, cycle+1)
		s := openStore(t, dir)
		checkHollow(t, s, made)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, datadir.DatabaseName+
			datadir.Compacting)); !os.IsNotExist(err) {
			t.Fatalf("the unfinished file is still there: %v", err)
		}
	}
}

// killAtLine kills a compacting child when it has printed so many lines.
func killAtLine(t *testing.T, dir string, line int) {
	t.Helper()
	child := exec.Command(os.Args[0], dir)
	child.Env = append(os.Environ(), "GUSTY_TEST_CHILD=compact")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(30*time.Second, func() { _ = child.Process.Kill() })
	defer guard.Stop()
	lines := bufio.NewScanner(out)
	for seen := 1; lines.Scan(); seen++ {
		if seen == line {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait() // it was killed
}
