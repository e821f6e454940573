package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"gusty/persistence/internal/format"
)

// lane is a row of segments that are read one after the other.
type lane struct {
	segment *segment // may be overwritten and closed already
	begin   int64    // of the next frame
	end     int64    // of the last one, when it was looked up
	next    piece
	full    bool // next is there, and was not given yet
	buf     []byte
}

// laneSegments returns the segments of a lane in order; either may be nil.
func (o *Output) laneSegments(lane int) (older, newer *segment) {
	if lane == 0 {
		return nil, o.head
	}
	state := &o.streams[lane-1]
	return state.tails[1-state.turn], state.tails[state.turn]
}

// locate goes on to the lane's next segment where the present one was read to its end or is gone.
func (l *lane) locate(older, newer *segment) {
	switch {
	case l.segment != nil && l.segment == newer:
	case l.segment != nil && l.segment == older:
		if l.begin >= older.end && newer != nil {
			l.enter(newer)
		}
	case older != nil:
		l.enter(older)
	default:
		l.enter(newer)
	}
	if l.segment != nil {
		l.end = l.segment.end
	}
}

func (l *lane) enter(s *segment) { l.segment, l.begin, l.end = s, segmentHeader, segmentHeader }

// skipGiven passes over what was given while it waited.
func (l *lane) skipGiven(t *track) {
	if l.segment == nil || l.begin >= l.end {
		return
	}
	last := l.segment.last
	if last.sequence < t.sequence || last.sequence == t.sequence &&
		last.offset <= t.expected[streamIndex(last.stream)] {
		l.begin = l.end
	}
}

// read takes the next piece that was not given yet out of the lane's segment, if there is one and
// the segment still is.
func (l *lane) read(given *[2]int64) error {
	for !l.full && l.begin < l.end {
		err := l.readFrame()
		if errors.Is(err, os.ErrClosed) {
			l.begin = l.end
			return nil
		}
		if err != nil {
			return err
		}
		l.full = l.next.end() > given[streamIndex(l.next.stream)]
	}
	return nil
}

func (l *lane) readFrame() error {
	var head [frameLead]byte
	s := l.segment
	if _, err := s.file.ReadAt(head[:], l.begin); err != nil {
		return fmt.Errorf("read the output: %w", err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < frameHead+format.SealedTail || n > maxFrame {
		return errDamagedOutput(s.run)
	}
	l.buf = slices.Grow(l.buf[:0], int(n))[:n]
	if _, err := s.file.ReadAt(l.buf, l.begin+frameLead); err != nil {
		return fmt.Errorf("read the output: %w", err)
	}
	l.begin += frameLead + int64(n)
	p, err := openPiece(s.aead, s.run, s.number, binary.BigEndian.Uint64(head[4:]), l.buf)
	l.next = p
	return err
}
