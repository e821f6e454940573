package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"gusty/internal/atomicfile"
)

// isStream reports whether the file is written to and never replaced.
func isStream(info fs.FileInfo) bool {
	return info != nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0
}

// errClosed says that a program was started without the output that it is to write to.
var errClosed = errors.New("it is closed")

// openDescriptor writes to a file that this process was started with, under a number of its own:
// an error of a closed pipe comes back then, where one of standard output would end the process.
func (t *Target) openDescriptor(fd uintptr) error {
	file, err := duplicate(fd, t.name)
	if err != nil {
		return t.explain(errClosed)
	}
	t.file = file
	if err := t.checkDescriptor(); err != nil {
		return errors.Join(err, t.Discard())
	}
	return nil
}

func (t *Target) checkDescriptor() error {
	info, err := t.file.Stat()
	t.shared = t.isStdout(info)
	switch {
	case err != nil:
		return t.explain(err)
	case isClosed(t.file, info):
		return t.explain(errClosed)
	case info.IsDir():
		return &atomicfile.RefusedError{Name: t.name, Reason: "is a directory; name a file"}
	case info.Mode().IsRegular():
		return t.spare(Found{Info: info})
	}
	return nil
}

// isStdout reports whether info is of what standard output goes to.
func (t *Target) isStdout(info fs.FileInfo) bool {
	if info == nil || t.options.Stdout == nil {
		return false
	}
	stdout, err := t.options.Stdout.Stat()
	return err == nil && os.SameFile(info, stdout)
}

// openStream opens a named pipe or a device. A pipe waits for its reader; the end of the context
// ends the waiting.
func (t *Target) openStream() error {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := openForWriting(t.place.Path)
		done <- opened{file, err}
	}()
	select {
	case <-t.ctx.Done():
		return fmt.Errorf("%s: nobody reads it: %w", t.name, t.ctx.Err())
	case got := <-done:
		if got.err != nil {
			return t.explain(got.err)
		}
		t.file = got.file
	}
	file := t.file
	context.AfterFunc(t.ctx, func() {
		_ = file.SetWriteDeadline(time.Now()) // a device may have none
	})
	return t.stillStream()
}

// stillStream refuses what took the stream's place since it was looked at.
func (t *Target) stillStream() error {
	info, err := t.file.Stat()
	t.shared = t.isStdout(info)
	if err == nil && !os.SameFile(info, t.place.Info) {
		err = &atomicfile.RefusedError{Name: t.name, Reason: "was replaced meanwhile; try again"}
	}
	if err != nil {
		return errors.Join(err, t.Discard())
	}
	return nil
}

// endStream makes durable what went to a regular file, and closes the stream.
func (t *Target) endStream() error {
	info, err := t.file.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = t.file.Sync()
	}
	err = errors.Join(err, t.file.Close())
	t.file = nil
	return err
}
