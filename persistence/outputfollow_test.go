package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// followed is what a follower was given: the bytes of each stream with a mark for each gap, and how
// much was skipped.
type followed struct {
	text    [2]strings.Builder
	skipped [2]int64
}

func (f *followed) Take(c messages.OutputChunk) {
	i := streamIndex(c.Stream)
	if c.Skipped > 0 {
		f.text[i].WriteString("…")
	}
	f.text[i].Write(c.Data)
	f.skipped[i] += c.Skipped
}

func followRun(t *testing.T, s *Store, n int) messages.OutputFollower {
	t.Helper()
	f, err := s.FollowOutput(testRunID(n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// nextText waits for one chunk.
func nextText(t *testing.T, f messages.OutputFollower) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := f.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Data)
}

// followToEnd takes everything until the end of the run.
func followToEnd(f messages.OutputFollower) (*followed, error) {
	all := &followed{}
	for {
		c, err := f.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all.Take(c)
	}
}

func wantEnd(t *testing.T, f messages.OutputFollower) {
	t.Helper()
	if c, err := f.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("got %+v, %v in place of the end", c, err)
	}
}

func TestFollowerGetsWhatWasAndWhatComes(t *testing.T) {
	s := openStore(t, t.TempDir())
	storeRun(t, s, 1, messages.OutputSummary{})
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stdout, "one ", time.Unix(1, 0))
	f := followRun(t, s, 1)
	if got := nextText(t, f); got != "one " {
		t.Errorf("first %q", got)
	}
	printTo(t, o, messages.Stdout, "two ", time.Unix(1, 0)) // joins the piece that was given
	if got := nextText(t, f); got != "two " {
		t.Errorf("then %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing more: %v", err)
	}
	printTo(t, o, messages.Stderr, "three", time.Unix(1, 0))
	closeOutput(t, o)
	if got := nextText(t, f); got != "three" {
		t.Errorf("after its end %q", got)
	}
	wantEnd(t, f)
}

func TestFollowerAcrossFlushes(t *testing.T) {
	s := openStore(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		o := s.NewOutput(testRunID(1), 1<<20)
		early, late := o.follow(), o.follow()
		for _, word := range []string{"one ", "two ", "three "} {
			printTo(t, o, messages.Stdout, word, time.Now())
			c, err := early.Next(t.Context())
			if err != nil || string(c.Data) != word {
				t.Errorf("got %q, %v", c.Data, err)
			}
			time.Sleep(flushAfter)
			synctest.Wait()
		}
		text := ""
		for range 3 {
			c, err := late.Next(t.Context())
			if err != nil {
				t.Error(err)
			}
			text += string(c.Data)
		}
		if text != "one two three " {
			t.Errorf("read from the file: %q", text)
		}
		closeOutput(t, o)
		for _, track := range []*track{early, late} {
			if _, err := track.Next(t.Context()); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			track.close()
		}
		if err := o.head.file.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the last reader left the file open: %v", err)
		}
	})
}

func TestFollowersOfAFlood(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 200_000)
	var printed [2]bytes.Buffer
	var group sync.WaitGroup
	results := make([]*followed, 8)
	for i := range results {
		track := o.follow()
		f := &follower{store: s, track: track}
		group.Go(func() {
			defer f.Close()
			var err error
			if results[i], err = followToEnd(f); err != nil {
				t.Error(err)
			}
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 4000 {
		stream := messages.Stream(1 + random.IntN(2))
		line := fmt.Sprintf("%d %s\n", n, strings.Repeat("x", random.IntN(2000)))
		printed[stream-1].WriteString(line)
		printTo(t, o, stream, line, time.Unix(int64(n), 0))
	}
	summary := closeOutput(t, o)
	group.Wait()
	for _, r := range results {
		r.Check(t, messages.Stdout, printed[0].String(), summary.StdoutBytes)
		r.Check(t, messages.Stderr, printed[1].String(), summary.StderrBytes)
	}
}

// Check expects stretches of what was printed, in order, and every byte of it given or told as
// skipped.
func (f *followed) Check(t *testing.T, stream messages.Stream, printed string, total int64) {
	t.Helper()
	got := f.text[streamIndex(stream)].String()
	given := int64(0)
	for part := range strings.SplitSeq(got, "…") {
		at := strings.Index(printed, part)
		if at < 0 {
			t.Fatalf("%s: %.40q… was not printed so", stream, part)
		}
		printed = printed[at+len(part):]
		given += int64(len(part))
	}
	if printed != "" {
		t.Errorf("%s: the last %d bytes are missing", stream, len(printed))
	}
	if given+f.skipped[streamIndex(stream)] != total {
		t.Errorf("%s: %d given, %d skipped, %d printed", stream, given,
			f.skipped[streamIndex(stream)], total)
	}
}

func TestSlowFollowerSkipsWhatWasOverwritten(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 400_000)
	track := o.follow()
	defer track.close()
	printTo(t, o, messages.Stdout, "begin", time.Unix(1, 0))
	if c, err := track.Next(t.Context()); err != nil || string(c.Data) != "begin" {
		t.Fatal(c, err)
	}
	flood := strings.Repeat("x", 5_000_000)
	printTo(t, o, messages.Stdout, flood, time.Unix(2, 0))
	printTo(t, o, messages.Stdout, "end", time.Unix(3, 0))
	closeOutput(t, o)
	got, err := followToEnd(&follower{store: s, track: track})
	if err != nil {
		t.Fatal(err)
	}
	text := got.text[0].String()
	head, tail, _ := strings.Cut(text, "…")
	if !strings.HasPrefix(head, "xxx") || !strings.HasSuffix(tail, "xend") ||
		int64(len(head)+len(tail))+got.skipped[0] != int64(len(flood))+3 {
		t.Errorf("%d and %d bytes, %d skipped", len(head), len(tail), got.skipped[0])
	}
	if held := cap(track.copied.data) + cap(track.lanes[0].buf) +
		cap(track.lanes[1].buf); held > 4*maxPieceBytes {
		t.Errorf("a follower holds %d bytes", held)
	}
}

func TestFollowerWaitsForTheStart(t *testing.T) {
	s := openStore(t, t.TempDir())
	commit(t, s, messages.RunRow{Run: testRun(1, "job", messages.RunQueued)})
	commit(t, s, messages.RunRow{Run: testRun(2, "job", messages.RunQueued)})
	text := make(chan string, 2)
	for n := 1; n <= 2; n++ {
		f := followRun(t, s, n)
		go func() {
			got, err := followToEnd(f)
			text <- fmt.Sprint(got.text[0].String(), err)
		}()
	}
	awaitWatchers(t, s, 2)
	o := s.NewOutput(testRunID(1), 1<<20)
	printTo(t, o, messages.Stdout, "started ", time.Unix(1, 0))
	// a follower that comes too late for the output finds the record
	storeRun(t, s, 1, closeOutput(t, o))
	if got := <-text; got != "started <nil>" {
		t.Errorf("got %q", got)
	}
	commit(t, s, messages.RunRow{Run: testRun(2, "job", messages.RunSkipped)})
	if got := <-text; got != "<nil>" {
		t.Errorf("got %q", got)
	}
	awaitWatchers(t, s, 0)
}

// awaitWatchers waits until so many runs are waited for.
func awaitWatchers(t *testing.T, s *Store, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		s.live.mu.Lock()
		have := len(s.live.watchers)
		s.live.mu.Unlock()
		if have == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d runs are waited for, not %d", have, want)
		}
	}
}

func TestFollowerOfAnEndedRun(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	long := strings.Repeat("long ", 20_000)
	printTo(t, o, messages.Stdout, long, time.Unix(1, 0))
	storeRun(t, s, 1, closeOutput(t, o))
	got, err := followToEnd(followRun(t, s, 1))
	if err != nil || got.text[0].String() != long {
		t.Errorf("%d bytes, %v", got.text[0].Len(), err)
	}
	f := followRun(t, s, 1)
	nextText(t, f) // and is closed in the middle
	if _, err := followToEnd(followRun(t, s, 9)); messages.CodeOf(err) != messages.CodeNotFound {
		t.Errorf("no such run: %v", err)
	}
}

func TestFollowerOfARemovedOutput(t *testing.T) {
	s := openStore(t, t.TempDir())
	o := s.NewOutput(testRunID(1), 1<<20)
	track := o.follow()
	printTo(t, o, messages.Stdout, strings.Repeat("x", 300_000), time.Unix(1, 0))
	if _, err := track.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Remove()
	f := &follower{store: s, track: track}
	got, err := followToEnd(f)
	if err != nil || got.skipped[0] == 0 {
		t.Errorf("%d skipped, %v", got.skipped[0], err)
	}
	f.Close()
}
