package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"gusty/internal/private"
)

// What becomes of output files that somebody removes while their run goes on. What
// was written is still to be read by the open descriptor, and is written again to where it belongs.

// isInPlace reports whether the segment's file is the one that its name leads to.
func (s *segment) isInPlace(dir string) bool {
	open, err := s.file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(segmentPath(dir, s.run, s.number))
	return err == nil && os.SameFile(open, named)
}

// errUnread says that what was removed can't be read any more.
var errUnread = errors.New("an output file was removed, and what was in it can't be read any more")

// CopyTo writes the segment into a new file under its name. The frames stay as they are sealed.
func (s *segment) CopyTo(dir string) (*segment, error) {
	path := segmentPath(dir, s.run, s.number)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err // somebody's directory
	}
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	from := &readGuard{in: io.NewSectionReader(s.file, 0, s.end)}
	n, err := io.Copy(f, from)
	if from.failed != nil || err == nil && n != s.end {
		err = errors.Join(errUnread, from.failed)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	fresh := *s
	fresh.file = f
	return &fresh, nil
}

// readGuard tells an error of reading from one of writing.
type readGuard struct {
	in     io.Reader
	failed error
}

// Read keeps the error.
func (g *readGuard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		g.failed = err
	}
	return n, err
}

// restore writes the segments again whose files were removed. Where the disk takes no writes they
// stay as they are, for the next attempt.
func (o *Output) restore() (failed error) {
	for _, place := range o.places() {
		if *place == nil || (*place).isInPlace(o.store.output) {
			continue
		}
		if err := o.restoreSegment(place); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (o *Output) restoreSegment(place **segment) error {
	old := *place
	var fresh *segment
	err := o.store.withOutputDir(func() (err error) {
		fresh, err = old.CopyTo(o.store.output)
		return err
	})
	if errors.Is(err, errUnread) {
		o.lose(old, err)
		*place = nil
		return errors.Join(err, old.file.Close())
	}
	if err != nil {
		return fmt.Errorf("write a removed output file again: %w", err)
	}
	*place = fresh
	o.store.logger.Warn("an output file was removed while its run goes on, and is written again",
		"run_id", o.run.String(), "bytes", old.stored)
	return old.file.Close() // a reader goes on in the new one
}

// lose counts what a segment holds as lost.
func (o *Output) lose(s *segment, cause error) {
	if s.number == segmentHead {
		for i := range o.streams {
			o.streams[i].lost = o.streams[i].lost || o.streams[i].printed > 0
		}
	} else {
		o.streams[(s.number-segmentTails)/2].lost = true
	}
	o.loss = lossOf(cause)
}

// secure makes the segments durable, in the place where they are looked for.
func (o *Output) secure() (err error) {
	for range dirTries {
		err = errors.Join(o.restore(), o.syncSegments())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err == nil && len(o.misplaced()) == 0 {
			return nil
		}
	}
	for _, s := range o.misplaced() {
		o.lose(s, errors.Join(err, errRemoved))
	}
	return err
}

// errRemoved says why output was not kept.
var errRemoved = errors.New("its file was removed and can't be written again")

func (o *Output) misplaced() (lost []*segment) {
	for _, s := range o.segments() {
		if !s.isInPlace(o.store.output) {
			lost = append(lost, s)
		}
	}
	return lost
}
