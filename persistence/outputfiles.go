package persistence

import (
	"errors"
	"os"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// headBytes and tailBytes divide the limit: a head, and two tails.
func (o *Output) headBytes() int64 { return o.limit - 2*o.tailBytes() }

func (o *Output) tailBytes() int64 { return o.limit / 4 }

// flush moves what waits into the segments. What can't be written waits on, a little of it, for the
// next attempt; the error says that there was more, which is lost, and counted so.
func (o *Output) flush() error {
	o.filed = true
	o.dropDoomed()
	for i := range o.wait {
		if err := o.file(&o.wait[i]); err != nil {
			o.wait = o.wait[i:]
			return o.hold(err)
		}
		o.store.pieces.Put(o.wait[i].data)
	}
	o.wait, o.waiting = nil, 0
	return nil
}

// dropDoomed takes out of what waits what the tails would not keep, so that a flood with a small
// limit does not cost a file for every turn.
func (o *Output) dropDoomed() {
	kept := o.wait[:0]
	for _, p := range o.wait {
		state := o.state(p.stream)
		doomed := state.printed - 2*o.tailBytes() - p.offset
		if p.offset >= o.headBytes() && doomed > 0 {
			state.lost = true
			n := min(doomed, int64(len(p.data)))
			p.data, p.offset = p.data[n:], p.offset+n
		}
		if len(p.data) > 0 {
			kept = append(kept, p)
		}
	}
	o.wait = kept
}

// file writes one piece to where it belongs. Where that fails the piece is what was not written of
// it.
func (o *Output) file(p *piece) error {
	if p.offset < o.headBytes() {
		return o.fileTo(&o.head, segmentHead, p)
	}
	size := o.tailBytes()
	if size == 0 {
		o.state(p.stream).lost = true
		return nil
	}
	for rest := *p; len(rest.data) > 0; {
		n, err := o.fileTail(rest, size)
		if err != nil {
			*p = rest
			return err
		}
		rest.data, rest.offset = rest.data[n:], rest.offset+int64(n)
	}
	return nil
}

// fileTail writes as much as the tail whose turn it is takes; when it is full the other one is
// begun anew.
func (o *Output) fileTail(p piece, size int64) (int, error) {
	state := o.state(p.stream)
	number := segmentTails + 2*int(p.stream-messages.Stdout) + state.turn
	active := &state.tails[state.turn]
	if *active != nil && (*active).stored >= size {
		state.turn = 1 - state.turn
		number = segmentTails + 2*int(p.stream-messages.Stdout) + state.turn
		active = &state.tails[state.turn]
		if err := o.dropTail(active, state); err != nil {
			return 0, err
		}
	}
	room := size
	if *active != nil {
		room -= (*active).stored
	}
	n := int(min(room, int64(len(p.data))))
	p.data = p.data[:n]
	return n, o.fileTo(active, number, &p)
}

func (o *Output) dropTail(tail **segment, state *streamState) error {
	if *tail == nil {
		return nil
	}
	state.lost = true
	err := (*tail).file.Close()
	*tail = nil
	return err
}

func (o *Output) fileTo(to **segment, number int, p *piece) error {
	if *to == nil {
		var s *segment
		err := o.store.withOutputDir(func() (err error) {
			s, err = createSegment(o.store.output, o.store.ring, o.run, number)
			return err
		})
		if err != nil {
			return err
		}
		*to = s
	}
	return (*to).Append(p, &o.store.frames)
}

func (o *Output) syncSegments() error {
	var errs []error
	for _, s := range o.segments() {
		errs = append(errs, s.file.Sync())
	}
	return errors.Join(append(errs, datadir.SyncDir(o.store.output))...)
}

func (o *Output) closeSegments() error {
	var errs []error
	for _, s := range o.segments() {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}

func (o *Output) segments() (open []*segment) {
	for _, place := range o.places() {
		if *place != nil {
			open = append(open, *place)
		}
	}
	return open
}

// places are where the segments are held; not all of them are there.
func (o *Output) places() [segmentCount]**segment {
	return [segmentCount]**segment{
		&o.head, &o.streams[0].tails[0], &o.streams[0].tails[1], &o.streams[1].tails[0],
		&o.streams[1].tails[1],
	}
}

// removeOutput removes a run's segments. A file that stays is removed by the next start.
func (s *Store) removeOutput(run format.RunKey) {
	for number := range segmentCount {
		err := os.Remove(segmentPath(s.output, run, number))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.logger.Warn("an output file could not be removed", "run_id", run.String(), "error",
				err)
		}
	}
}
