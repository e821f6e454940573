package persistence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// Backup is a copy of the store as one transaction shows it, in the spool directory: the database
// file, and the output files of the runs in it as hard links. While it is read, the store goes on
// and no transaction is held open. Close removes it.
type Backup struct {
	store *Store
	dir   string // the spool directory
	// of the output files that are still written: how many bytes of them belong to the backup
	growing  map[string]int64
	manifest Manifest // without its files, which are many
	bytes    int64
}

// spoolName is the directory for a copy that is made to be read once. Where it is there when a
// store is opened, a process was killed.
const spoolName = "spool"

// Backup makes a copy of the store. It blocks no commit; for as long as the database file takes to
// copy, pages that commits free are not used again. An *Error of busy: another backup is under way;
// of a storage_… code: there is no room for the copy.
func (s *Store) Backup() (*Backup, error) {
	if !s.backingUp.CompareAndSwap(false, true) {
		return nil, &messages.Error{
			Code:       messages.CodeBusy,
			Message:    "another backup is under way; nothing was done",
			RetryAfter: backupRetry,
		}
	}
	b := &Backup{store: s, dir: s.spool, growing: map[string]int64{}}
	if err := b.fill(); err != nil {
		b.Close()
		if code, ok := datadir.StorageCode(err); ok {
			return nil, datadir.StorageError(code)
		}
		return nil, fmt.Errorf("back up the store: %w", err)
	}
	return b, nil
}

// backupRetry is when a client that came while another backup was under way may try again.
const backupRetry = 10 * time.Second

// Bytes is the size of the files in the backup.
func (b *Backup) Bytes() int64 { return b.bytes }

// Close removes the copy, and lets another backup begin. It may be called more than once, by one
// goroutine.
func (b *Backup) Close() {
	if b.store == nil {
		return
	}
	if err := os.RemoveAll(b.dir); err != nil && !datadir.IsStorageError(err) {
		// a disk that takes no writes holds no copy
		b.store.logger.Warn("the copy of a backup could not be removed; the next start removes it",
			"error", err)
	}
	b.store.backingUp.Store(false)
	b.store = nil
}

// fill copies what belongs to the backup. The removal of output waits meanwhile, so that every run
// of the transaction still has its files.
func (b *Backup) fill() error {
	if err := b.makeSpool(); err != nil {
		return err
	}
	b.store.keyOfFiles.Lock()
	defer b.store.keyOfFiles.Unlock()
	b.store.trimming.hold()
	defer b.store.releaseTrimmed()
	id, err := b.store.view(func(r *reader) error {
		if err := b.linkOutput(r); err != nil {
			return err
		}
		return b.copyDatabase(r)
	})
	ring := b.store.ring
	b.manifest = Manifest{
		Format: backupFormat, DatabaseID: hex.EncodeToString(ring.Database[:]), TransactionID: id,
		MadeAt: time.Now().UTC().Truncate(time.Second), Version: b.store.build.Version,
	}
	return err
}

// makeSpool makes the spool directory, and looks for room before the copy takes what the store
// itself needs.
func (b *Backup) makeSpool() error {
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	if err := private.MakeDir(filepath.Join(b.dir, datadir.OutputName)); err != nil {
		return err
	}
	free, known := datadir.DiskRoom(b.dir)
	if known && free < b.store.fileBytes.Load()+reservedBytes {
		return fmt.Errorf("%d bytes are free, and the copy needs %d: %w", free,
			b.store.fileBytes.Load()+reservedBytes, datadir.ErrNoSpace)
	}
	return nil
}

// reservedBytes is what a backup leaves free for the store to go on.
const reservedBytes = 8 << 20

func (b *Backup) copyDatabase(r *reader) error {
	path := filepath.Join(b.dir, datadir.DatabaseName)
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := r.tx.WriteTo(f)
	b.bytes += n
	return errors.Join(err, f.Close())
}

// linkOutput links the output files of the runs that the transaction has.
func (b *Backup) linkOutput(r *reader) error {
	return b.store.withOutputDir(func() error { return b.linkEach(r) })
}

func (b *Backup) linkEach(r *reader) error {
	return eachFile(b.store.output, func(name string) error {
		run, ok := format.ParseRunKey(trimSegment(name))
		if !ok || !r.has(format.BucketRuns, run[:]) {
			return nil
		}
		if _, done := b.growing[name]; done {
			return nil
		}
		if o := b.store.live.get(run); o != nil {
			return b.linkGrowing(o)
		}
		return b.link(name)
	})
}

// linkGrowing links all files of an output that is being written, as far as they are now.
func (b *Backup) linkGrowing(o *Output) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		_ = o.restore() // what can't be is not in the store either
	}
	for number := range segmentCount {
		name := filepath.Base(segmentPath("", o.run, number))
		if err := b.link(name); err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(b.dir, datadir.OutputName, name))
		if _, known := b.growing[name]; err == nil && !known {
			b.growing[name] = info.Size()
		}
	}
	return nil
}

// link links an output file, or copies it where the file system has no links. One that is gone is
// left out.
func (b *Backup) link(name string) error {
	from, to := filepath.Join(b.store.output, name), filepath.Join(b.dir, datadir.OutputName, name)
	err := os.Link(from, to)
	switch {
	case errors.Is(err, os.ErrExist), errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		err = copyFile(from, to)
	}
	if info, statErr := os.Stat(to); statErr == nil {
		b.bytes += info.Size()
	}
	return err
}

// copyFile copies a file to a new one.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := private.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), in.Close())
}

// eachFile returns the names in a directory, some at a time: there may be very many.
func eachFile(dir string, each func(name string) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	for {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			if err := each(name); err != nil {
				return errors.Join(err, d.Close())
			}
		}
		if errors.Is(err, io.EOF) {
			return d.Close()
		}
		if err != nil {
			return errors.Join(err, d.Close())
		}
	}
}

// sweepSpool removes the copy that a killed process has left.
func (s *Store) sweepSpool() {
	if err := os.RemoveAll(s.spool); err != nil {
		s.logger.Warn("the copy that an unfinished backup left could not be removed", "error", err)
	}
}
