package persistence

import (
	"errors"
	"sync"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// What decides between the run's row and files, and what a killed agent may lose.
const (
	maxInlineBytes = 4 << 10
	flushAfter     = 2 * time.Second
	flushBytes     = 32 << 10
	// mergeWithin is how close in time two writes to a stream are told as one piece.
	mergeWithin   = 50 * time.Millisecond
	maxPieceBytes = 32 << 10
)

// Output keeps what one run prints. Both streams may be written at the same time. Of each stream
// the first half of the limit is kept, and of what comes behind it the last quarter to half.
type Output struct {
	store *Store
	run   format.RunKey
	limit int64

	mu       sync.Mutex
	streams  [2]streamState
	sequence uint64
	wait     []piece // not in a file yet
	waiting  int     // bytes in wait
	filed    bool    // there are segments, or there were to be
	loss     error   // why a part could not be kept; nil: whatever is not kept is beyond the limit
	closed   bool
	timer    *time.Timer
	head     *segment
	// who reads along; the last one to go closes the segments of an output that has ended
	readers int
	// closed when there is more to read, or the end; nil: nobody waits for that
	news chan struct{}
}

// streamState is one stream's part of an Output.
type streamState struct {
	printed int64
	lost    bool // not all of it is kept
	tails   [2]*segment
	turn    int
}

// NewOutput begins to keep the output of a run, at most limitBytes of each stream; 0 keeps nothing
// and only counts. Close or Remove ends it.
func (s *Store) NewOutput(runID string, limitBytes int64) *Output {
	run, ok := format.ParseRunKey(runID)
	if !ok {
		limitBytes = 0
	}
	o := &Output{store: s, run: run, limit: max(limitBytes, 0)}
	s.live.Add(o)
	return o
}

// Write adds what a stream printed. An error says that a part could not be kept, for want of space
// or by a fault of the disk; all of p is counted then, too, the run may go on, and Write may be
// called again.
func (o *Output) Write(stream messages.Stream, p []byte, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if stream != messages.Stderr {
		stream = messages.Stdout
	}
	state := o.state(stream)
	if o.limit == 0 || o.closed {
		state.printed += int64(len(p))
		state.lost = state.lost || len(p) > 0
		return nil
	}
	var failed error
	for len(p) > 0 {
		n := o.enqueue(stream, p, at)
		p = p[n:]
		if o.waiting >= flushBytes {
			if err := o.flush(); err != nil {
				failed = err
			}
		}
	}
	o.arm()
	o.tellReaders()
	if !o.filed && o.waiting > maxInlineBytes {
		o.filed = true
	}
	return failed
}

func (o *Output) state(stream messages.Stream) *streamState {
	if stream == messages.Stderr {
		return &o.streams[1]
	}
	return &o.streams[0]
}

// enqueue takes a part of p as a piece that lies either in the head or in a tail, and says how much
// it took.
func (o *Output) enqueue(stream messages.Stream, p []byte, at time.Time) int {
	state := o.state(stream)
	most := int64(maxPieceBytes)
	if room := o.headBytes() - state.printed; room > 0 {
		most = min(most, room)
	}
	n := int(min(int64(len(p)), most))
	if !o.extend(stream, p[:n], at, state.printed) {
		data := append(o.store.pieces.room(nil, n), p[:n]...)
		o.wait = append(o.wait, piece{o.sequence, state.printed, at, stream, data})
		o.sequence++
	}
	state.printed += int64(n)
	o.waiting += n
	return n
}

// extend adds to the last waiting piece, where it is of the same stream, of the same moment, and on
// the same side of the head's end.
func (o *Output) extend(stream messages.Stream, p []byte, at time.Time, offset int64) bool {
	if len(o.wait) == 0 {
		return false
	}
	last := &o.wait[len(o.wait)-1]
	sameSide := last.offset < o.headBytes() == (offset < o.headBytes())
	if last.stream != stream || last.end() != offset || !sameSide || len(last.data)+
		len(p) > maxPieceBytes || at.Sub(last.at) > mergeWithin {
		return false
	}
	last.data = append(o.store.pieces.room(last.data, len(p)), p...)
	return true
}

// arm makes sure that what waits is in a file two seconds from now.
func (o *Output) arm() {
	if o.timer == nil && len(o.wait) > 0 {
		o.timer = time.AfterFunc(flushAfter, o.flushLate)
	}
}

func (o *Output) flushLate() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.timer = nil
	if o.closed {
		return
	}
	told := o.loss != nil
	if err := errors.Join(o.restore(), o.flush()); err != nil && !told {
		o.store.logger.Warn("output of a run could not be kept", "run_id", o.run.String(), "error",
			err)
	}
	o.arm()
}

// Close ends the output and says what was kept. What was short and quick is in the summary, and so
// is what little the storage would not take into files; anything else is durable in files by then.
// The error says that a part of it could not be kept, with the code of a storage that takes no
// writes where that is why; the summary is true in that case, too.
func (o *Output) Close() (messages.OutputSummary, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return o.summary(), nil
	}
	err := o.settle()
	o.end()
	summary := o.summary()
	if o.limit > 0 && (!o.filed || len(o.wait) > 0) {
		summary.Inline = o.inline()
	}
	return summary, err
}

// settle brings what waits to where it stays: into files, or, where it is short and quick, into the
// summary.
func (o *Output) settle() error {
	if !o.filed {
		o.dropDoomed()
		return nil
	}
	// what it could not write waits on for the summary; what did not fit in there is in loss
	_ = o.flush()
	err := o.secure()
	err = errors.Join(o.loss, err)
	if o.readers == 0 {
		err = errors.Join(err, o.closeSegments())
	}
	return err
}

func (o *Output) end() {
	o.closed = true
	o.tellReaders()
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	o.store.live.Remove(o.run)
}

func (o *Output) summary() messages.OutputSummary {
	return messages.OutputSummary{
		StdoutBytes: o.streams[0].printed, StderrBytes: o.streams[1].printed,
		StdoutTruncated: o.streams[0].lost, StderrTruncated: o.streams[1].lost,
		InFile: o.head != nil,
	}
}

// addTo says what was printed so far.
func (o *Output) addTo(summary *messages.OutputSummary) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.summary()
	summary.StdoutBytes, summary.StderrBytes = now.StdoutBytes, now.StderrBytes
	summary.StdoutTruncated, summary.StderrTruncated = now.StdoutTruncated, now.StderrTruncated
}

// inline returns what waits as chunks, with those that tell of what was left out; where files come
// before, only between the chunks.
func (o *Output) inline() (chunks []messages.OutputChunk) {
	var m merger
	if o.head != nil {
		m.expected = [2]int64{o.streams[0].printed, o.streams[1].printed}
		for i := len(o.wait) - 1; i >= 0; i-- {
			m.expected[streamIndex(o.wait[i].stream)] = o.wait[i].offset
		}
	}
	_ = m.each(0, o.wait, o.streams[0].printed, o.streams[1].printed,
		func(c messages.OutputChunk) error {
			chunks = append(chunks, c)
			return nil
		})
	return chunks
}

// Remove ends the output and keeps nothing of it.
func (o *Output) Remove() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		_ = o.closeSegments() // its files go in a moment
		o.end()
	}
	o.store.removeOutput(o.run)
}
