package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// WriteError reports that the target took no more, to tell it in a copy from an error of what is
// read.
type WriteError struct {
	Name string // of the target
	Err  error  // the system's
}

// Error returns what the target is called and what the system says.
func (e *WriteError) Error() string { return fmt.Sprintf("cannot write to %s: %v", e.Name, e.Err) }

// Unwrap returns the system's error.
func (e *WriteError) Unwrap() error { return e.Err }

// newWriteError leaves out what err says of a temporary file, whose name nobody knows.
func newWriteError(name string, err error) *WriteError {
	if name == StandardOutput {
		name = "standard output"
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		err = link.Err
	}
	return &WriteError{Name: name, Err: err}
}

// Named returns w with a *WriteError for each of its errors; name is what it is called in them.
func Named(name string, w io.Writer) io.Writer { return &named{name, w} }

type named struct {
	name string
	to   io.Writer
}

// Write writes to the writer that is named.
func (n *named) Write(p []byte) (int, error) {
	written, err := n.to.Write(p)
	if err != nil {
		return written, newWriteError(n.name, err)
	}
	return written, nil
}
