package outfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gusty/internal/atomicfile"
)

// StandardOutput is the name that stands for standard output.
const StandardOutput = "-"

// Options say how a target is opened.
type Options struct {
	Stdout *os.File // what StandardOutput stands for
	// Secret has a file be closed to all but its owner, whatever the one before it was. One that
	// is not there yet is so in any case.
	Secret bool
	New    bool // a file of the name is an error that wraps fs.ErrExist
	// Spare reports by its error why what is there must stay; nil: nothing must.
	Spare func(Found) error
}

// Found is what was found at the end of a name.
type Found struct {
	Path string      // without links
	Info fs.FileInfo // nil: nothing is there yet
	Head []byte      // the first bytes of a regular file that can be read
}

// Target is an open target. It belongs to one goroutine. It ends with Commit or Discard.
type Target struct {
	ctx       context.Context
	name      string
	options   Options
	place     atomicfile.Place
	file      *os.File // the stream, or the temporary file; nil once it is closed
	temporary string   // path of the temporary file; "" for a stream
	shared    bool     // it is where standard output goes
	placed    bool     // it has its name
	failure   error    // the first one of a Write
}

// Open opens the target of a name. No Write goes on after ctx has ended. The error is a
// *atomicfile.RefusedError for a name that nothing is written to, that of Spare, or one of the
// file system.
func Open(ctx context.Context, name string, o Options) (*Target, error) {
	t := &Target{ctx: ctx, name: name, options: o}
	var err error
	if name != StandardOutput {
		if t.place, err = atomicfile.Resolve(name); err != nil {
			return nil, err
		}
	}
	switch {
	case name == StandardOutput:
		err = t.openDescriptor(o.Stdout.Fd())
	case t.place.Descriptor >= 0:
		err = t.openDescriptor(uintptr(t.place.Descriptor))
	case isStream(t.place.Info):
		err = t.openStream()
	case t.place.Info == nil || t.place.Info.Mode().IsRegular():
		err = t.begin()
	default:
		is := "is " + atomicfile.Kind(t.place.Info.Mode())
		err = &atomicfile.RefusedError{Name: name, Reason: is + "; name a file or a pipe"}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// IsStream reports whether what is written is out at once and nothing is replaced.
func (t *Target) IsStream() bool { return t.temporary == "" }

// ToStandardOutput reports whether what is written goes where standard output goes, so that
// nothing else should.
func (t *Target) ToStandardOutput() bool { return t.shared }

// Name returns the name as it was given.
func (t *Target) Name() string { return t.name }

// File returns the temporary file, to read back what was written. It is nil for a stream.
func (t *Target) File() *os.File {
	if t.IsStream() {
		return nil
	}
	return t.file
}

// Temporary closes the temporary file and returns its path, for one who writes the content there
// by itself, in its place or by a rename, before Commit.
func (t *Target) Temporary() (string, error) {
	err := t.file.Close()
	t.file = nil
	return t.temporary, t.explain(err)
}

// Write writes to the target. Its error is a *WriteError, or that of the context.
func (t *Target) Write(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.file.Write(p)
	if ended := t.ctx.Err(); err != nil && ended != nil {
		return n, ended
	}
	if err = t.explain(err); err != nil && t.failure == nil {
		t.failure = err
	}
	return n, err
}

// Commit makes what was written durable and gives a file its name. After an error the file that
// was there is as it was. A target that a Write failed on is not committed.
func (t *Target) Commit() error {
	if err := errors.Join(t.failure, t.ctx.Err()); err != nil {
		return errors.Join(err, t.Discard())
	}
	if t.IsStream() {
		return t.explain(t.endStream())
	}
	if err := t.finish(); err != nil {
		return errors.Join(t.explain(err), t.Discard())
	}
	return t.explain(atomicfile.SyncDir(filepath.Dir(t.place.Path)))
}

// Discard removes the temporary file, and closes a stream. It may follow Commit, and does nothing
// then.
func (t *Target) Discard() error {
	var err error
	if t.file != nil {
		err = t.file.Close()
		t.file = nil
	}
	if t.IsStream() || t.placed {
		return err
	}
	removing := os.Remove(t.temporary)
	if errors.Is(removing, fs.ErrNotExist) {
		removing = nil
	}
	return errors.Join(err, removing)
}

// explain names the target in place of the temporary file.
func (t *Target) explain(err error) error {
	if err == nil {
		return nil
	}
	return newWriteError(t.name, err)
}
