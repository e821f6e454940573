package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gusty/actors"
	"gusty/internal/atomicfile"
	"gusty/internal/private"
)

// The log formats.
const (
	formatJSON = "json"
	formatText = "text"
)

// logging is the agent's log: its level and its file can be changed while it is in use.
type logging struct {
	*slog.Logger
	level slog.LevelVar
	out   logOutput
	lines slog.Handler   // writes to out, whatever the level
	tap   *actors.LogTap // takes a copy of each line for OpenSearch
}

func newLogging(s settings) *logging {
	l := &logging{out: logOutput{dir: filepath.Join(s.dataDir, "log")}, tap: actors.NewLogTap()}
	if level, known := levelOf(s.logLevel); known {
		l.level.Set(level)
	}
	options := &slog.HandlerOptions{Level: &l.level}
	var handler slog.Handler = slog.NewJSONHandler(&l.out, options)
	if s.logFormat == formatText {
		handler = slog.NewTextHandler(&l.out, options)
	}
	l.lines = handler
	l.Logger = slog.New(l.tap.Handler(handler))
	return l
}

// always logs a line of the level info also where the log shows only more severe ones. There it is
// written, and not shipped.
func (l *logging) always(message string, args ...any) {
	if l.Enabled(context.Background(), slog.LevelInfo) {
		l.Info(message, args...)
		return
	}
	record := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	record.Add(args...)
	// a log that takes no line has nowhere to say so
	_ = l.lines.Handle(context.Background(), record)
}

// setLevel takes one of the four names; an unknown one changes nothing.
func (l *logging) setLevel(name string) {
	if level, known := levelOf(name); known {
		l.level.Set(level)
	}
}

// logOutput writes to standard error, or to a file in the agent's log directory.
type logOutput struct {
	dir string

	mu   sync.Mutex
	name string
	file *os.File
}

// Write writes one line. A file that takes none is no reason to lose it, and one that was removed
// is made again; one that was moved away is written on until the agent is told to reopen it.
func (o *logOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil && isUnlinked(o.file) {
		_ = o.open(o.name) // what can't be written there goes where the rest of this says
	}
	if o.file != nil && !isUnlinked(o.file) {
		if n, err := o.file.Write(p); err == nil {
			return n, nil
		}
	}
	return os.Stderr.Write(p)
}

// use switches to the named file; an empty name is standard error.
func (o *logOutput) use(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if name == o.name {
		return nil
	}
	return o.open(name)
}

// reopen opens the file anew, after a log rotation moved it away.
func (o *logOutput) reopen() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open(o.name)
}

func (o *logOutput) open(name string) error {
	var file *os.File
	if name != "" {
		if err := private.MakeDir(o.dir); err != nil {
			return err
		}
		var err error
		if file, err = openLog(filepath.Join(o.dir, filepath.Base(name))); err != nil {
			return err
		}
	}
	if o.file != nil {
		_ = o.file.Close() // what was written is written
	}
	o.file, o.name = file, name
	return nil
}

// openLog opens a file to add lines to, or a device. A named pipe is refused: it would hold up the
// agent where nobody reads.
func openLog(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeCharDevice == 0 {
		return nil,
			fmt.Errorf("%s is %s; name another log file", path, atomicfile.Kind(info.Mode()))
	}
	return private.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

var _ io.Writer = (*logOutput)(nil)
