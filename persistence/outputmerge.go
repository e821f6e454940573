package persistence

import (
	"errors"
	"io"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// merger puts the segments of a run back into the order of arrival.
type merger struct {
	sources  []*source
	expected [2]int64  // the next byte of each stream
	at       time.Time // of the last piece; at first that of what is missing where there is none
	whole    *wholeness
}

// wholeness is what the record of a run that ended in order vouches for. Of a run that was cut off,
// a file may end within a frame, and what was printed last may be missing.
type wholeness struct {
	run  format.RunKey
	kept [2]bool // nothing of the stream was left out
}

// source is one segment with the piece that comes next.
type source struct {
	reader *segmentReader
	piece  piece
	ended  bool
}

func (s *Store) openOutput(run format.RunKey) (*merger, error) {
	m := &merger{}
	for number := range segmentCount {
		r, err := openSegment(s.output, s.ring, run, number)
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		if r != nil {
			m.sources = append(m.sources, &source{reader: r})
		}
	}
	return m, nil
}

func (m *merger) close() error {
	var errs []error
	for _, s := range m.sources {
		errs = append(errs, s.reader.close())
	}
	return errors.Join(errs...)
}

func (m *merger) advance(s *source) error {
	var err error
	s.piece, err = s.reader.Next()
	if errors.Is(err, io.EOF) {
		s.ended, err = true, nil
		if m.whole != nil && s.reader.torn {
			err = errDamagedOutput(m.whole.run)
		}
	}
	return err
}

// first returns the source whose piece is the oldest.
func (m *merger) first(upTo uint64) (oldest *source) {
	for _, s := range m.sources {
		if s.ended || s.piece.sequence >= upTo {
			continue
		}
		if oldest == nil || before(&s.piece, &oldest.piece) {
			oldest = s
		}
	}
	return oldest
}

// before orders pieces by arrival; the parts of one piece that fell into two tails share its
// sequence.
func before(a, b *piece) bool {
	if a.sequence != b.sequence {
		return a.sequence < b.sequence
	}
	return a.offset < b.offset
}

func (m *merger) give(p *piece, each func(messages.OutputChunk) error) error {
	m.at = p.at
	if err := m.skip(p.stream, p.offset, each); err != nil {
		return err
	}
	m.expected[streamIndex(p.stream)] = p.offset + int64(len(p.data))
	return each(messages.OutputChunk{Stream: p.stream, At: p.at, Data: p.data})
}

// skip tells of the bytes of a stream that are missing before offset to. Their time is that of the
// piece behind them, or of the last one.
func (m *merger) skip(stream messages.Stream, to int64,
	each func(messages.OutputChunk) error,
) error {
	have := &m.expected[streamIndex(stream)]
	missing := to - *have
	if missing <= 0 {
		return nil
	}
	if m.whole != nil && m.whole.kept[streamIndex(stream)] {
		return errDamagedOutput(m.whole.run)
	}
	*have = to
	return each(messages.OutputChunk{Stream: stream, At: m.at, Skipped: missing})
}

func streamIndex(stream messages.Stream) int {
	if stream == messages.Stderr {
		return 1
	}
	return 0
}

// each returns the pieces of the segments with a sequence below upTo, then those of wait, then what
// is missing up to the streams' ends.
func (m *merger) each(upTo uint64, wait []piece, stdout, stderr int64,
	each func(messages.OutputChunk) error,
) error {
	for _, s := range m.sources {
		if err := m.advance(s); err != nil {
			return err
		}
	}
	for {
		s := m.first(upTo)
		if s == nil {
			break
		}
		if err := m.give(&s.piece, each); err != nil {
			return err
		}
		if err := m.advance(s); err != nil {
			return err
		}
	}
	for i := range wait {
		if err := m.give(&wait[i], each); err != nil {
			return err
		}
	}
	return errors.Join(m.skip(messages.Stdout, stdout, each), m.skip(messages.Stderr, stderr, each))
}
