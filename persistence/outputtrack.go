package persistence

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"gusty/messages"
)

// gatherFor is how long a reader along waits from one awakening to the next, so that a script that
// prints line by line does not wake it for each. A line after a pause is not delayed.
const gatherFor = 20 * time.Millisecond

// track is one reader's way through an output that is being written. It reads at its own pace:
// behind, from the segments; caught up, from what waits to be written. It holds one piece of each
// lane at most. What was overwritten before it came there shows as a gap in the offsets.
type track struct {
	out      *Output
	lanes    [3]lane // the head, and the tails of either stream
	expected [2]int64
	sequence uint64    // of the piece that was given last
	copied   piece     // of what waits, since that may go to a segment meanwhile
	at       time.Time // of the piece that was given last, or when the reading began
	woken    time.Time
}

// follow begins to read along; nil where the output has ended.
func (o *Output) follow() *track {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.readers++
	return &track{out: o, at: time.Now()}
}

// close lets the output go.
func (t *track) close() {
	o := t.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.readers--; o.readers == 0 && o.closed {
		_ = o.closeSegments() // what was written is synced
	}
}

// tellReaders wakes who waits for more.
func (o *Output) tellReaders() {
	if o.news != nil {
		close(o.news)
		o.news = nil
	}
}

// Next waits for the next chunk. io.EOF: the output has ended.
func (t *track) Next(ctx context.Context) (messages.OutputChunk, error) {
	for {
		p, news, err := t.look()
		switch {
		case err != nil:
			return messages.OutputChunk{}, err
		case p != nil:
			return t.give(p), nil
		case news == nil:
			return t.rest()
		}
		if err := t.await(ctx, news); err != nil {
			return messages.OutputChunk{}, err
		}
	}
}

func (t *track) await(ctx context.Context, news <-chan struct{}) error {
	if err := awaitNews(ctx, news); err != nil {
		return err
	}
	if pause := gatherFor - time.Since(t.woken); pause > 0 {
		time.Sleep(pause)
	}
	t.woken = time.Now()
	return nil
}

// awaitNews prefers the news to the end of ctx, so that who is told to wait no longer still gets
// what is there.
func awaitNews(ctx context.Context, news <-chan struct{}) error {
	select {
	case <-news:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-news:
		return nil
	default:
		return ctx.Err()
	}
}

// give turns a piece into a chunk. Where there is a gap before it, the chunk tells of that, and the
// piece comes again by the next look.
func (t *track) give(p *piece) messages.OutputChunk {
	have := &t.expected[streamIndex(p.stream)]
	t.at = p.at
	if gap := p.offset - *have; gap > 0 {
		*have = p.offset
		return messages.OutputChunk{Stream: p.stream, At: p.at, Skipped: gap}
	}
	data := p.data[*have-p.offset:]
	*have, t.sequence = p.end(), p.sequence
	for i := range t.lanes {
		if &t.lanes[i].next == p {
			t.lanes[i].full = false
		}
	}
	return messages.OutputChunk{Stream: p.stream, At: p.at, Data: data}
}

// rest tells of what the ended output does not have, one stream by the other.
func (t *track) rest() (messages.OutputChunk, error) {
	for _, stream := range []messages.Stream{messages.Stdout, messages.Stderr} {
		have := &t.expected[streamIndex(stream)]
		if gap := t.out.printed(stream) - *have; gap > 0 {
			*have += gap
			return messages.OutputChunk{Stream: stream, At: t.at, Skipped: gap}, nil
		}
	}
	return messages.OutputChunk{}, io.EOF
}

func (o *Output) printed(stream messages.Stream) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state(stream).printed
}

// look returns the oldest piece that was not given yet, whole or in part. Where there is none, news
// tells when to look again; where there is none either, the output has ended.
func (t *track) look() (p *piece, news <-chan struct{}, err error) {
	for {
		p, news, behind := t.survey()
		if !behind {
			return p, news, nil
		}
		for i := range t.lanes {
			if err := t.lanes[i].read(&t.expected); err != nil {
				return nil, nil, err
			}
		}
	}
}

// survey looks at all places at one moment, which keeps a piece from being taken for lost while it
// moves from the one to the other. behind says that lanes are to be read first.
func (t *track) survey() (p *piece, news <-chan struct{}, behind bool) {
	o := t.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range t.lanes {
		l := &t.lanes[i]
		if !l.full {
			l.locate(o.laneSegments(i))
			l.skipGiven(t)
		}
		behind = behind || !l.full && l.begin < l.end
	}
	if behind {
		return nil, nil, true
	}
	if p := t.oldest(); p != nil {
		return p, nil, false
	}
	if t.copyWaiting() {
		return &t.copied, nil, false
	}
	if o.closed {
		return nil, nil, false
	}
	if o.news == nil {
		o.news = make(chan struct{})
	}
	t.letBuffersGo()
	return nil, o.news, false
}

// oldest returns the oldest piece of the lanes.
func (t *track) oldest() (oldest *piece) {
	for i := range t.lanes {
		if l := &t.lanes[i]; l.full && (oldest == nil || before(&l.next, oldest)) {
			oldest = &l.next
		}
	}
	return oldest
}

// copyWaiting copies the first piece of what waits that was not given yet; there is one unless it
// says no.
func (t *track) copyWaiting() bool {
	wait := t.out.wait
	from, _ := slices.BinarySearchFunc(wait, t.sequence, func(p piece, given uint64) int {
		return cmp.Compare(p.sequence, given)
	})
	for i := from; i < len(wait); i++ {
		if wait[i].end() > t.expected[streamIndex(wait[i].stream)] {
			t.copy(&wait[i])
			return true
		}
	}
	return false
}

func (t *track) copy(p *piece) {
	data := t.copied.data[:0]
	data = append(data, p.data...)
	t.copied = *p
	t.copied.data = data
}

// letBuffersGo is for a reader that has caught up: it may wait for long.
func (t *track) letBuffersGo() {
	for i := range t.lanes {
		t.lanes[i].buf, t.lanes[i].next.data = nil, nil
	}
}
