package persistence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// snapshotBuffer is how much of a snapshot is in memory, at each of its ends.
const snapshotBuffer = 64 << 10

// releaseCopied is how many rows are copied before the map's pages are given back. It is less than
// of a scan that opens what it reads, since a page takes a moment.
const releaseCopied = 1024

const snapshotPrefix = "snapshot-"

func isSnapshot(name string) bool { return strings.HasPrefix(name, snapshotPrefix) }

// snapshot is a copy of some buckets as one read transaction saw them, still sealed, in a file
// without a name. It lets a slow reader take its time without keeping that transaction open, since
// the pages which an open one can see are not used again and the database would grow.
//
// A row is: bucket uint8, length of the key uint32, of the value uint32, key, value.
type snapshot struct {
	file   *os.File
	reader reader // opens what is sealed; without a transaction
}

// takeSnapshot copies what copyRows writes, to the store's disk, or where that takes no writes to
// the directory for temporary files. Where that takes none either, the error is an *Error of a
// storage_… code.
func (s *Store) takeSnapshot(copyRows func(*reader, *snapshotWriter) error) (*snapshot, error) {
	snap, err := s.snapshotIn(s.output, copyRows)
	if datadir.IsStorageError(err) {
		s.logger.Info(
			"the disk takes no copy for an export; it goes to the directory for temporary files",
			"directory", os.TempDir(), "error", err)
		if other, otherErr := s.snapshotIn(os.TempDir(), copyRows); otherErr == nil ||
			!errors.Is(otherErr, fs.ErrNotExist) {
			// without a directory for temporary files, the first error stands
			snap, err = other, otherErr
		}
	}
	if err != nil {
		return nil, snapshotError(err)
	}
	return snap, nil
}

func (s *Store) snapshotIn(dir string, copyRows func(*reader, *snapshotWriter) error) (*snapshot,
	error,
) {
	var file *os.File
	create := func() (err error) {
		file, err = private.CreateTemp(dir, snapshotPrefix+"*")
		return err
	}
	if dir == s.output {
		within := create
		create = func() error { return s.withOutputDir(within) }
	}
	err := create()
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // where an open file cannot be removed, close does it
	w := &snapshotWriter{out: bufio.NewWriterSize(file, snapshotBuffer)}
	_, err = s.view(func(r *reader) error { return copyRows(r, w) })
	if err == nil {
		err = w.out.Flush()
	}
	snap := &snapshot{file: file, reader: reader{Sealer: keyring.Sealer{Ring: s.ring}}}
	if err != nil {
		return nil, errors.Join(err, snap.close())
	}
	return snap, nil
}

func snapshotError(err error) error {
	if code, ok := datadir.StorageCode(err); ok {
		return messages.Errorf(code, "the copy that an export reads from could not be written: %s",
			datadir.StorageError(code).Message)
	}
	return fmt.Errorf("copy the rows of an export: %w", err)
}

func (s *snapshot) close() error {
	err := s.file.Close()
	_ = os.Remove(s.file.Name()) // it is gone already where that was possible
	return err
}

// each returns the rows in the order in which they were copied, from the front. Key and value are
// valid during the call.
func (s *snapshot) each(row func(b format.BucketID, key, value []byte) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), snapshotBuffer)
	var head [9]byte
	var buf []byte
	for {
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the copied rows: %w", err)
		}
		keyLen := int(binary.BigEndian.Uint32(head[1:]))
		size := keyLen + int(binary.BigEndian.Uint32(head[5:]))
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		if _, err := io.ReadFull(in, buf); err != nil {
			return fmt.Errorf("read the copied rows: %w", err)
		}
		if err := row(format.BucketID(head[0]), buf[:keyLen], buf[keyLen:]); err != nil {
			return err
		}
	}
}

// snapshotWriter copies rows.
type snapshotWriter struct{ out *bufio.Writer }

func (w *snapshotWriter) Add(b format.BucketID, key, value []byte) error {
	var head [9]byte
	head[0] = byte(b)
	binary.BigEndian.PutUint32(head[1:], uint32(len(key)))
	binary.BigEndian.PutUint32(head[5:], uint32(len(value)))
	for _, part := range [][]byte{head[:], key, value} {
		if _, err := w.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// addAll copies a bucket, and behind each row those that beside gives. The map's pages are given
// back as it goes.
func (w *snapshotWriter) addAll(r *reader, b format.BucketID, beside func(key []byte) error) error {
	rows := 0
	c := r.bucket(b).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if err := w.Add(b, key, value); err != nil {
			return err
		}
		if beside != nil {
			if err := beside(key); err != nil {
				return err
			}
		}
		if rows++; rows%releaseCopied == 0 {
			if err := boltfile.ReleaseMap(r.tx); err != nil {
				return err
			}
		}
	}
	return boltfile.ReleaseMap(r.tx)
}
