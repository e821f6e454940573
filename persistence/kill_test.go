package persistence

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// writeAcknowledged is a child that writes jobs, runs and output without end, and prints a number
// when what it stands for is durable.
func writeAcknowledged(dir string) int {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	acknowledged := make(chan int, 64)
	next := 0
	if text, err := s.Setting("next"); err == nil && text != nil {
		next, _ = strconv.Atoi(string(text))
	}
	go func() {
		for n := range acknowledged {
			fmt.Println(n)
		}
	}()
	room := make(chan struct{}, 32)
	for n := next; ; n++ {
		room <- struct{}{}
		s.Submit(messages.Change{Rows: killedRows(s, n)}, func(c messages.Committed) {
			if c.Err == nil {
				acknowledged <- n
			}
			<-room
		})
	}
}

func killedRows(s *Store, n int) []messages.Row {
	run := testRun(n, "killed", messages.RunSucceeded)
	run.Reason = fmt.Sprint(n)
	if n%16 == 0 {
		o := s.NewOutput(run.ID, 1<<20)
		writeErr := o.Write(messages.Stdout, killedOutput(n), run.DueAt)
		summary, err := o.Close()
		if writeErr != nil || err != nil {
			fmt.Println("output:", writeErr, err)
		}
		run.Output = summary
	}
	return []messages.Row{
		messages.JobRow{Job: testJob(fmt.Sprint("job ", n%50))},
		messages.RunRow{Run: run},
		messages.SettingRow{Name: "next", Value: []byte(strconv.Itoa(n + 1))},
	}
}

// killedOutput is what run n has printed: too much for its row.
func killedOutput(n int) []byte { return bytes.Repeat([]byte(fmt.Sprintln(n)), 5000) }

// checkKilledRun reads a run whose commit was acknowledged.
func checkKilledRun(s *Store, n int) error {
	run, err := s.Run(testRunID(n))
	if err != nil || run.Reason != fmt.Sprint(n) {
		return fmt.Errorf("%+v, %w", run, err)
	}
	if n%16 != 0 {
		return nil
	}
	var printed []byte
	err = s.EachOutput(run.ID, func(c messages.OutputChunk) error {
		printed = append(printed, c.Data...)
		return nil
	})
	if err != nil || !bytes.Equal(printed, killedOutput(n)) {
		return fmt.Errorf("%d bytes of output, %w", len(printed), err)
	}
	return nil
}

func TestKillLosesNoAcknowledgedWrite(t *testing.T) {
	cycles := 20
	if testing.Short() {
		cycles = 3
	}
	dir := t.TempDir()
	for cycle := range cycles {
		last := killAfter(t, dir, 20+cycle*7)
		s := openStore(t, dir)
		text, err := s.Setting("next")
		if err != nil {
			t.Fatal(err)
		}
		next, err := strconv.Atoi(string(text))
		if err != nil || next <= last {
			t.Fatalf("cycle %d: %d was acknowledged, but next is %q", cycle, last, text)
		}
		for n := max(0, next-messages.DefaultJobOptions().KeepRuns); n <= last; n++ {
			if err := checkKilledRun(s, n); err != nil {
				t.Fatalf("cycle %d: run %d: %v", cycle, n, err)
			}
		}
		checkCounted(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter lets a child write until it has acknowledged count changes more, kills it, and gives
// the last number that it told.
func killAfter(t *testing.T, dir string, count int) (last int) {
	t.Helper()
	child := exec.Command(os.Args[0], dir)
	child.Env = append(os.Environ(), "GUSTY_TEST_CHILD=write")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(30*time.Second, func() { _ = child.Process.Kill() })
	defer guard.Stop()
	last = -1
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatal(lines.Text())
		}
		last = n
		if seen == count {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if last < 0 {
		t.Fatal("the child acknowledged nothing")
	}
	return last
}
