package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// MaxFileBytes bounds a file that is read.
const MaxFileBytes = 1 << 30

const (
	magic       = "SQLite format 3\x00"
	headerBytes = 112 // of the file, and of its first page
	// mostTables bounds what the schema may list; an agent's file has at most nine tables.
	mostTables = 32
)

// source is a SQLite file that may be read, in either of its forms. It is the whole of the file
// system that SQLite sees: the file under the name sourceName, which cannot be written, and nothing
// else.
type source struct {
	file    *os.File
	size    int64
	shifted bool
}

var errManyTables = errors.New("it has more tables than an agent's file")

const sourceName = "source"

// IsFile reports whether a file that begins with head is a SQLite file of either form.
func IsFile(head []byte) bool {
	_, ok := formOf(head)
	return ok
}

// formOf tells the two forms apart.
func formOf(head []byte) (shifted, ok bool) {
	if len(head) < len(magic) {
		return false, false
	}
	if string(head[:len(magic)]) == magic {
		return false, true
	}
	moved := bytes.Clone(head[:len(magic)])
	shift(moved, shiftBy)
	return true, string(moved) == magic
}

// openSource opens a file and looks at its header, by which most of what is no agent's file is told
// without SQLite's help.
func openSource(path string) (*source, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > MaxFileBytes:
		return nil, fmt.Errorf("it is over %d MiB, more than an agent's file has", MaxFileBytes>>20)
	}
	if err := refuseUnfinished(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{file: f, size: info.Size()}
	if err := s.readHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// refuseUnfinished refuses a file whose last transaction lies beside it: without that the file is
// not what it was.
func refuseUnfinished(path string) error {
	for _, suffix := range []string{"-journal", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			return fmt.Errorf("a transaction was not finished: %s%s is there; open the file once "+
				"with sqlite3 and close it", path, suffix)
		}
	}
	return nil
}

func (s *source) readHeader() error {
	head := make([]byte, headerBytes)
	n, err := s.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	shifted, ok := formOf(head[:n])
	if !ok {
		return errors.New("it is no SQLite file")
	}
	s.shifted = shifted
	if n < headerBytes {
		return errors.New("it is cut short")
	}
	if shifted {
		shift(head, shiftBy)
	}
	if err := checkHeader(head, s.size); err != nil {
		return err
	}
	return s.checkSchemaSize(pageSizeOf(head))
}

func pageSizeOf(head []byte) int64 {
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	return size
}

// checkHeader looks at what the file says of itself. Source:
// https://www.sqlite.org/fileformat2.html, 1.3 and 1.6.
func checkHeader(head []byte, size int64) error {
	pageSize := pageSizeOf(head)
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	switch {
	case pageSize < 512 || pageSize&(pageSize-1) != 0:
		return errors.New("its header is damaged")
	case head[18] != 1 || head[19] != 1:
		return errors.New("it is in WAL mode; run: sqlite3 FILE 'PRAGMA journal_mode=DELETE'")
	case binary.BigEndian.Uint32(head[56:]) > 1:
		return errors.New("its texts are not in UTF-8")
	case pages*pageSize > size:
		return errors.New("it is cut short")
	}
	return nil
}

// Open returns the file under the one name there is.
func (s *source) Open(name string) (fs.File, error) {
	if name != sourceName {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &sourceFile{
		SectionReader: io.NewSectionReader(s.file, 0, s.size),
		shifted:       s.shifted,
	}, nil
}

// sourceFile is the file as SQLite shall see it.
type sourceFile struct {
	*io.SectionReader
	shifted bool
}

// Read returns bytes of the plain form.
func (f *sourceFile) Read(p []byte) (int, error) {
	n, err := f.SectionReader.Read(p)
	if f.shifted {
		shift(p[:n], shiftBy)
	}
	return n, err
}

// Stat returns the size.
func (f *sourceFile) Stat() (fs.FileInfo, error) { return sourceInfo{f.Size()}, nil }

// Close does nothing: the file is its opener's.
func (f *sourceFile) Close() error { return nil }

// sourceInfo describes the file.
type sourceInfo struct{ size int64 }

// Name returns the one name.
func (i sourceInfo) Name() string { return sourceName }

// Size returns the bytes.
func (i sourceInfo) Size() int64 { return i.size }

// Mode says that it may be read.
func (i sourceInfo) Mode() fs.FileMode { return 0o400 }

// ModTime is not known.
func (i sourceInfo) ModTime() time.Time { return time.Time{} }

// IsDir says no.
func (i sourceInfo) IsDir() bool { return false }

// Sys returns nothing.
func (i sourceInfo) Sys() any { return nil }
