package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// startMarks notes which runs are being started, in a file that is written before each start and
// never synced. What a process has written outlives its kill, but not the host: so after a kill the
// file tells exactly which of the queued runs may have been started, at the price of one short
// write for each, and after a power cut it tells nothing, and every armed run whose time has come
// is in doubt.
//
// The file begins with a header that binds it to a database, to a boot of the host, and to the runs
// made after one that it names; then come slots of 16 bytes, each the id of a run. A slot is used
// again when a row of its run is durable that tells of the start.
type startMarks struct {
	path     string
	key      []byte // of the header's MAC
	database [16]byte
	boot     string // empty: nothing is kept on the disk

	mu    sync.Mutex
	file  *os.File      // nil: none could be made, or none is kept
	after format.RunKey // the marks are complete for runs made after this one
	slots map[format.RunKey]int
	free  []int
	count int // slots in the file
}

const (
	startsMagic = "GUSTYRUN"
	startsForm  = 1
	startsHead  = 112 // a multiple of a slot, so that none crosses a page
	startsSlot  = len(format.RunKey{})
	startsMost  = 1 << 14 // slots; where a storage takes no records, the marks begin anew there
)

// freeSlots forgets the marks of runs that are not queued any more.
func (m *startMarks) freeSlots(queued func(format.RunKey) bool) {
	for id, slot := range m.slots {
		if !queued(id) {
			delete(m.slots, id)
			m.free = append(m.free, slot)
		}
	}
}

// note marks a run. After an error the marks hold neither for it, nor for one that was made before
// it or is marked.
func (m *startMarks) note(id format.RunKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, noted := m.slots[id]; noted {
		return nil
	}
	if len(m.slots) >= startsMost {
		return m.beginAfter(id, nil)
	}
	if m.boot != "" && m.file == nil {
		return m.beginAfter(id, nil)
	}
	if m.file != nil && !m.isInPlace() {
		if err := m.remake(); err != nil {
			return m.beginAfter(id, err)
		}
	}
	slot := m.Take()
	if m.boot == "" {
		m.slots[id] = slot
		return nil
	}
	if _, err := m.file.WriteAt(id[:], int64(startsHead+slot*startsSlot)); err != nil {
		return m.beginAfter(id, err)
	}
	m.slots[id] = slot
	return nil
}

// Take returns a slot that is free.
func (m *startMarks) Take() (slot int) {
	if last := len(m.free) - 1; last >= 0 {
		slot, m.free = m.free[last], m.free[:last]
		return slot
	}
	m.count++
	return m.count - 1
}

// beginAfter begins the marks anew: they do not hold for the given run, for any that is marked now,
// nor for one that was made before them.
func (m *startMarks) beginAfter(id format.RunKey, cause error) error {
	for marked := range m.slots {
		m.after = laterKey(m.after, marked)
	}
	m.after = laterKey(m.after, id)
	return errors.Join(cause, m.begin())
}

func laterKey(a, b format.RunKey) format.RunKey {
	if bytes.Compare(a[:], b[:]) >= 0 {
		return a
	}
	return b
}

// trace returns what the marks tell of a run whose row says that it is queued.
func (m *startMarks) trace(id format.RunKey) messages.StartTrace {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch _, noted := m.slots[id]; {
	case noted:
		return messages.StartNoted
	case bytes.Compare(id[:], m.after[:]) > 0:
		return messages.StartNone
	default:
		return messages.StartUnknown
	}
}

// settle frees the slots of runs whose rows in a durable change tell themselves what became of
// them.
func (m *startMarks) settle(change *messages.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.slots) == 0 {
		return
	}
	for _, row := range change.Rows {
		run, ok := row.(messages.RunRow)
		if !ok || run.Run.State == messages.RunQueued {
			continue
		}
		id, _ := format.ParseRunKey(run.Run.ID)
		if slot, noted := m.slots[id]; noted {
			delete(m.slots, id)
			m.free = append(m.free, slot)
		}
	}
}

func (m *startMarks) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// NoteStart notes that a run's process is about to be started, so that after a kill it is known of
// all others that they were not. It waits for no disk. After an error that run is in doubt after a
// kill, and others with it.
func (s *Store) NoteStart(runID string) error {
	id, ok := format.ParseRunKey(runID)
	if !ok {
		return fmt.Errorf("note a start: %q is not a UUID", runID)
	}
	return s.starts.note(id)
}

// StartOf returns what is known of a start of a run whose row says that it is queued.
func (s *Store) StartOf(runID string) messages.StartTrace {
	id, ok := format.ParseRunKey(runID)
	if !ok {
		return messages.StartUnknown
	}
	return s.starts.trace(id)
}
