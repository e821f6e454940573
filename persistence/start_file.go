package persistence

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gusty/internal/atomicfile"
	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// How the marks of starts are begun and taken over.

// openStarts reads the marks that an earlier life in this boot has left, and keeps those whose runs
// are still queued.
func (s *Store) openStarts(o *Options) error {
	m := &startMarks{
		path: filepath.Join(o.Dir, datadir.StartsName), key: s.ring.Starts,
		database: s.ring.Database,
		slots:    map[format.RunKey]int{},
	}
	s.starts = m
	if !o.Agent {
		return s.lastRun(&m.after)
	}
	m.boot = o.BootID
	if s.db.IsReadOnly() { // what cannot be marked is in doubt, and so does not start
		return s.lastRun(&m.after)
	}
	// else the marks may be those of another copy of the database, or an agent ran that made none
	newest := s.witness.noted > 0 && s.startsNoted
	if !newest || !m.read() {
		if err := s.lastRun(&m.after); err != nil {
			return err
		}
		if err := m.begin(); err != nil {
			s.logger.Warn("starts of runs cannot be noted: a kill puts all that are due in doubt",
				"error", err)
		}
	}
	_, err := s.view(func(r *reader) error {
		queued := format.StateNumber(messages.RunQueued)
		m.freeSlots(func(id format.RunKey) bool {
			return r.has(format.BucketByState, id.ByState(queued))
		})
		return nil
	})
	return err
}

// lastRun finds the newest run.
func (s *Store) lastRun(last *format.RunKey) error {
	_, err := s.view(func(r *reader) error {
		k, _ := r.bucket(format.BucketRuns).Cursor().Last()
		copy(last[:], k)
		return nil
	})
	return err
}

// head returns the header: magic, form, database, SHA-256 of the boot's id, the run after which it
// holds, HMAC-SHA256 of all that, zeros.
func (m *startMarks) head() []byte {
	b := append(make([]byte, 0, startsHead), startsMagic...)
	b = binary.BigEndian.AppendUint16(b, startsForm)
	b = append(b, m.database[:]...)
	boot := sha256.Sum256([]byte(m.boot))
	b = append(b, boot[:]...)
	b = append(b, m.after[:]...)
	mac := hmac.New(sha256.New, m.key)
	mac.Write(b)
	return mac.Sum(b)[:startsHead]
}

// startsAfterAt is where the header names the run after which it holds.
const startsAfterAt = len(startsMagic) + 2 + 16 + sha256.Size

// read takes over a file of this database and this boot, and reports whether there is one.
func (m *startMarks) read() bool {
	if m.boot == "" {
		return false
	}
	b, err := atomicfile.ReadRegular(m.path)
	if err != nil || len(b) < startsHead {
		return false
	}
	copy(m.after[:], b[startsAfterAt:])
	if !hmac.Equal(b[:startsHead], m.head()) {
		m.after = format.RunKey{}
		return false
	}
	if m.file, err = os.OpenFile(m.path, os.O_RDWR, 0); err != nil {
		return false
	}
	for rest := b[startsHead:]; len(rest) >= startsSlot; rest = rest[startsSlot:] {
		if id := format.RunKey(rest[:startsSlot]); id != (format.RunKey{}) {
			m.slots[id] = m.count
		}
		m.count++
	}
	return true
}

// begin makes a new file, without marks. Where the old one can't be removed, it is made worthless.
func (m *startMarks) begin() (err error) {
	if m.file != nil {
		_, _ = m.file.WriteAt(make([]byte, startsHead), 0)
	}
	m.shut()
	if m.boot == "" {
		return nil
	}
	if err := datadir.ForgetStarts(filepath.Dir(m.path)); err != nil {
		return err
	}
	if m.file, err = private.OpenFile(m.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return fmt.Errorf("make the file of starts: %w", err)
	}
	if _, err := m.file.WriteAt(m.head(), 0); err != nil {
		m.shut()
		err = fmt.Errorf("write the file of starts: %w", err)
		return errors.Join(err, datadir.ForgetStarts(filepath.Dir(m.path)))
	}
	return nil
}

func (m *startMarks) shut() {
	if m.file != nil {
		_ = m.file.Close() // nothing of it waits to be written
		m.file = nil
	}
	m.slots, m.free, m.count = map[format.RunKey]int{}, nil, 0
}

// isInPlace reports whether the file is the one that its name leads to.
func (m *startMarks) isInPlace() bool {
	open, err := m.file.Stat()
	if err != nil {
		return true // the write tells
	}
	named, err := os.Lstat(m.path)
	return err == nil && os.SameFile(open, named)
}

// remake writes the file again that somebody has removed, with all its marks, or not at all.
func (m *startMarks) remake() error {
	b := append(m.head(), make([]byte, m.count*startsSlot)...)
	for id, slot := range m.slots {
		copy(b[startsHead+slot*startsSlot:], id[:])
	}
	fresh := m.path + ".new"
	f, err := private.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = os.Rename(fresh, m.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(fresh))
	}
	_ = m.file.Close()
	m.file = f
	return nil
}
