package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/format"
)

// storeRun commits a run with the summary of its output.
func storeRun(t *testing.T, s *Store, n int, summary messages.OutputSummary) {
	t.Helper()
	storeRunInState(t, s, n, messages.RunSucceeded, summary)
}

func storeRunInState(t *testing.T, s *Store, n int, state messages.RunState,
	summary messages.OutputSummary,
) {
	t.Helper()
	run := testRun(n, "job", state)
	run.Output, run.EndedAt = summary, run.DueAt
	commit(t, s, messages.RunRow{Run: run})
}

// readOutput returns a run's output: each stream, and what was skipped of it.
func readOutput(t *testing.T, s *Store, n int) (text map[messages.Stream]string,
	skipped map[messages.Stream]int64,
) {
	t.Helper()
	text, skipped = map[messages.Stream]string{}, map[messages.Stream]int64{}
	err := s.EachOutput(testRunID(n), func(c messages.OutputChunk) error {
		if c.Skipped > 0 {
			text[c.Stream] += "…"
		}
		text[c.Stream] += string(c.Data)
		skipped[c.Stream] += c.Skipped
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text, skipped
}

func printTo(t *testing.T, o *Output, stream messages.Stream, text string, at time.Time) {
	t.Helper()
	if err := o.Write(stream, []byte(text), at); err != nil {
		t.Fatal(err)
	}
}

func closeOutput(t *testing.T, o *Output) messages.OutputSummary {
	t.Helper()
	summary, err := o.Close()
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func TestShortOutputIsInline(t *testing.T) {
	s := openStore(t, t.TempDir())
	at := time.Unix(100, 0).UTC()
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stdout, "one ", at)
	printTo(t, o, messages.Stdout, "two ", at)
	printTo(t, o, messages.Stderr, "error ", at)
	printTo(t, o, messages.Stdout, "three", at.Add(time.Second))
	want := messages.OutputSummary{StdoutBytes: 13, StderrBytes: 6, Inline: []messages.OutputChunk{
		{Stream: messages.Stdout, At: at, Data: []byte("one two ")},
		{Stream: messages.Stderr, At: at, Data: []byte("error ")},
		{Stream: messages.Stdout, At: at.Add(time.Second), Data: []byte("three")},
	}}
	summary := closeOutput(t, o)
	if !reflect.DeepEqual(summary, want) {
		t.Errorf("got %+v, want %+v", summary, want)
	}
	storeRun(t, s, 1, summary)
	if text, _ := readOutput(t, s, 1); text[messages.Stdout] != "one two three" ||
		text[messages.Stderr] != "error " {
		t.Errorf("read %v", text)
	}
	if entries, err := os.ReadDir(s.output); err != nil || len(entries) != 0 {
		t.Errorf("files: %v, %v", entries, err)
	}
}

func TestARunUnderWayTellsWhatItPrinted(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.RunRow{Run: testRun(1, "job", messages.RunRunning)})
	o := s.NewOutput(testRunID(1), 8)
	defer o.Remove()
	printTo(t, o, messages.Stdout, "twelve bytes", time.Unix(100, 0))
	printTo(t, o, messages.Stderr, "four", time.Unix(100, 0))
	run, err := s.Run(testRunID(1))
	page, pageErr := s.Runs(messages.RunQuery{})
	if err != nil || pageErr != nil || len(page.Runs) != 1 {
		t.Fatalf("%v, %v, %+v", err, pageErr, page)
	}
	for _, got := range []messages.OutputSummary{run.Output, page.Runs[0].Output} {
		if got.StdoutBytes != 12 || got.StderrBytes != 4 {
			t.Errorf("it printed 12 and 4 bytes: %+v", got)
		}
	}
}

func TestLongOutputIsInFiles(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	var want, chunks strings.Builder
	for n := range 5000 {
		line := fmt.Sprintf("line %d\n", n)
		want.WriteString(line)
		printTo(t, o, messages.Stdout, line, time.Unix(int64(n/10), 0))
		printTo(t, o, messages.Stderr, "e", time.Unix(int64(n/10), 0))
	}
	if text, _ := readOutput(t, s, 1); text[messages.Stdout] != want.String() {
		t.Error("what is read along is not what was printed")
	}
	summary := closeOutput(t, o)
	if !summary.InFile || summary.Inline != nil || summary.StdoutTruncated ||
		summary.StderrBytes != 5000 {
		t.Errorf("summary %+v", summary)
	}
	storeRun(t, s, 1, summary)
	s = reopen(t, s)
	text, _ := readOutput(t, s, 1)
	if text[messages.Stdout] != want.String() || len(text[messages.Stderr]) != 5000 {
		t.Error("what is read is not what was printed")
	}
	err := s.EachOutput(testRunID(1), func(c messages.OutputChunk) error {
		_, err := chunks.Write(c.Data)
		return err
	})
	if err != nil || !strings.HasPrefix(chunks.String(), "line 0\neline 1\ne") {
		t.Errorf("not in order of arrival: %.40q, %v", chunks.String(), err)
	}
}

func TestOutputKeepsHeadAndTail(t *testing.T) {
	const total = 300_000
	printed := make([]byte, total)
	for i := range printed {
		printed[i] = byte('a' + i/7%26)
	}
	for _, limit := range []int64{1, 3, 4, 10, 1000, 4096, 10_000, 65_536, 262_144} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			s := openStore(t, t.TempDir())
			o := s.NewOutput(testRunID(1), limit)
			for rest := printed; len(rest) > 0; rest = rest[min(1700, len(rest)):] {
				printTo(t, o, messages.Stdout, string(rest[:min(1700, len(rest))]), time.Unix(1, 0))
			}
			printTo(t, o, messages.Stderr, "!", time.Unix(2, 0))
			summary := closeOutput(t, o)
			if summary.StdoutBytes != total || !summary.StdoutTruncated || summary.StderrTruncated {
				t.Errorf("summary %+v", summary)
			}
			storeRun(t, s, 1, summary)
			text, skipped := readOutput(t, s, 1)
			head, tail, _ := strings.Cut(text[messages.Stdout], "…")
			if !bytes.HasPrefix(printed, []byte(head)) || !bytes.HasSuffix(printed, []byte(tail)) {
				t.Error("what is kept is neither head nor tail")
			}
			kept := int64(len(head) + len(tail))
			if kept > limit || kept < limit*3/4 || kept+skipped[messages.Stdout] != total ||
				text[messages.Stderr] != "!" {
				t.Errorf("kept %d+%d of %d, skipped %d", len(head), len(tail), limit,
					skipped[messages.Stdout])
			}
		})
	}
}

func TestShortOutputObeysASmallLimit(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 8)
	printTo(t, o, messages.Stdout, "0123456789abcdef", time.Unix(1, 0))
	summary := closeOutput(t, o)
	storeRun(t, s, 1, summary)
	if text, _ := readOutput(t, s, 1); text[messages.Stdout] != "0123…cdef" ||
		!summary.StdoutTruncated || summary.InFile {
		t.Errorf("read %v, summary %+v", text, summary)
	}
}

func TestNoLimitKeepsCounts(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 0)
	printTo(t, o, messages.Stdout, strings.Repeat("x", 100_000), time.Unix(1, 0))
	want := messages.OutputSummary{StdoutBytes: 100_000, StdoutTruncated: true}
	got := closeOutput(t, o)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	storeRun(t, s, 1, got)
	var chunks []messages.OutputChunk
	err := s.EachOutput(testRunID(1), func(c messages.OutputChunk) error {
		chunks = append(chunks, c)
		return nil
	})
	if err != nil || len(chunks) != 1 || chunks[0].Skipped != 100_000 || chunks[0].At.IsZero() {
		t.Errorf("read %+v, %v", chunks, err)
	}
}

func TestOutputIsInAFileAfterTwoSeconds(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	storeRun(t, s, 1, messages.OutputSummary{})
	synctest.Test(t, func(t *testing.T) {
		o := s.NewOutput(testRunID(1), 1<<20)
		printTo(t, o, messages.Stdout, "still here", time.Now())
		time.Sleep(flushAfter)
		synctest.Wait()
		copied, err := s.openOutput(o.run)
		if err != nil || len(copied.sources) != 1 {
			t.Errorf("sources %v, %v", copied, err)
		}
		text := ""
		err = errors.Join(copied.each(^uint64(0), nil, 0, 0, func(c messages.OutputChunk) error {
			text += string(c.Data)
			return nil
		}), copied.close())
		if err != nil || text != "still here" {
			t.Errorf("a killed agent would have left %q, %v", text, err)
		}
		if summary := closeOutput(t, o); !summary.InFile {
			t.Errorf("summary %+v", summary)
		}
	})
}

func TestOutputWithATornFrame(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stdout, strings.Repeat("a", 40_000), time.Unix(1, 0))
	storeRunInState(t, s, 1, messages.RunInterrupted, closeOutput(t, o))
	path := segmentPath(s.output, o.run, segmentHead)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if text, skipped := readOutput(t, s, 1); len(text[messages.Stdout]) != maxPieceBytes+len("…") ||
		skipped[messages.Stdout] != 40_000-maxPieceBytes {
		t.Errorf("read %d bytes, skipped %v", len(text[messages.Stdout]), skipped)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)/2] ^= 1
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.EachOutput(testRunID(1), func(messages.OutputChunk) error {
		return nil
	}); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("an altered file: %v", err)
	}
}

// What the record of a run that ended in order vouches for is there, or the output is damaged:
// bytes that are missing are no limit then.
func TestOutputThatIsNotAllThereIsDamaged(t *testing.T) {
	head, second := segmentHeader, segmentHeader+frameLead+frameHead+maxPieceBytes+format.SealedTail
	for name, change := range map[string]func(path string, file []byte) error{
		"a length":         func(path string, file []byte) error { file[second+1] ^= 4; return os.WriteFile(path, file, 0o600) },
		"the first length": func(path string, file []byte) error { file[head+1] ^= 1; return os.WriteFile(path, file, 0o600) },
		"a number":         func(path string, file []byte) error { file[second+11] ^= 4; return os.WriteFile(path, file, 0o600) },
		"the salt":         func(path string, file []byte) error { file[20] ^= 4; return os.WriteFile(path, file, 0o600) },
		"the magic":        func(path string, file []byte) error { file[0] ^= 4; return os.WriteFile(path, file, 0o600) },
		"the end":          func(path string, file []byte) error { return os.Truncate(path, int64(len(file)-1)) },
		"a whole frame":    func(path string, _ []byte) error { return os.Truncate(path, int64(second)) },
		"a lead":           func(path string, _ []byte) error { return os.Truncate(path, int64(second+3)) },
		"most":             func(path string, _ []byte) error { return os.Truncate(path, 10) },
		"all":              func(path string, _ []byte) error { return os.Remove(path) },
	} {
		s := openStore(t, t.TempDir())
		o := s.NewOutput(testRunID(1), 1<<20)
		printTo(t, o, messages.Stdout, strings.Repeat("a", 40_000), time.Unix(1, 0))
		storeRun(t, s, 1, closeOutput(t, o))
		path := segmentPath(s.output, o.run, segmentHead)
		file, err := os.ReadFile(path)
		if err == nil {
			err = change(path, file)
		}
		if err != nil {
			t.Fatal(err)
		}
		err = s.EachOutput(testRunID(1), func(c messages.OutputChunk) error {
			if c.Skipped > 0 || strings.Trim(string(c.Data), "a") != "" {
				t.Errorf("%s: it gives %+v", name, c)
			}
			return nil
		})
		if e := messages.AsError(err); !errors.Is(err, format.ErrDamaged) || e == nil ||
			e.Code != messages.CodeStorageDamaged || !strings.Contains(e.Message, testRunID(1)) {
			t.Errorf("%s: %v", name, err)
		}
		if rows := strings.Join(exportLines(t, s, table.ExportQuery{Runs: true}),
			""); !strings.Contains(rows, testRunID(1)) {
			t.Errorf("%s: an export lacks the run", name)
		}
	}
}

func TestOutputOfAnotherRunDoesNotOpen(t *testing.T) {
	s := openStore(t, t.TempDir())
	for n := range 2 {
		o := s.NewOutput(testRunID(n), 1<<20)
		printTo(t, o, messages.Stdout, strings.Repeat("a", 10_000), time.Unix(1, 0))
		storeRun(t, s, n, closeOutput(t, o))
	}
	one, _ := format.ParseRunKey(testRunID(0))
	two, _ := format.ParseRunKey(testRunID(1))
	if err := os.Rename(segmentPath(s.output, one, 0), segmentPath(s.output, two, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.EachOutput(testRunID(1), func(messages.OutputChunk) error {
		return nil
	}); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestBothStreamsAtOnceWithAReader(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 40_000)
	var wait sync.WaitGroup
	for _, stream := range []messages.Stream{messages.Stdout, messages.Stderr} {
		wait.Go(func() {
			for n := range 3000 {
				if err := o.Write(stream, fmt.Appendf(nil, "%d %d\n", stream, n),
					time.Unix(1, 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		var have [2]int64
		err := s.EachOutput(testRunID(1), func(c messages.OutputChunk) error {
			have[streamIndex(c.Stream)] += c.Skipped + int64(len(c.Data))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wait.Wait()
	if summary := closeOutput(t, o); summary.StdoutBytes != summary.StderrBytes ||
		summary.StdoutBytes == 0 {
		t.Errorf("summary %+v", summary)
	}
}

func TestOutputWithoutARunIsSwept(t *testing.T) {
	s := openStore(t, t.TempDir())
	for n := range 2 {
		o := s.NewOutput(testRunID(n), 1<<20)
		printTo(t, o, messages.Stdout, strings.Repeat("a", 10_000), time.Unix(1, 0))
		closeOutput(t, o)
	}
	storeRun(t, s, 1, messages.OutputSummary{})
	s = reopen(t, s)
	if entries, err := os.ReadDir(s.output); err != nil || len(entries) != 1 ||
		!strings.HasPrefix(entries[0].Name(), testRunID(1)) {
		t.Errorf("files: %v, %v", entries, err)
	}
}

func TestRemovedOutputIsGone(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stdout, strings.Repeat("a", 100_000), time.Unix(1, 0))
	o.Remove()
	if entries, err := os.ReadDir(s.output); err != nil || len(entries) != 0 {
		t.Errorf("files: %v, %v", entries, err)
	}
	if err := s.EachOutput(testRunID(1), nil); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("got %v", err)
	}
}
