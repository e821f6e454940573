package persistence

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// growBytes is how much the file grows beyond what a transaction needs, so that few transactions
// pay for growing.
const growBytes = 1 << 20

// Store is the open, encrypted store. Its methods may be called from any goroutine; its reads never
// block the committer.
type Store struct {
	// held by readers; the committer takes it to put another db in its place
	gate        sync.RWMutex
	db          *bolt.DB
	ring        *keyring.Keyring
	lock        *os.File
	logger      *slog.Logger
	output      string // directory
	spool       string // directory
	build       messages.Build
	fresh       bool
	agent       bool      // the store is an agent's
	startsNoted bool      // what the ledger said then
	alive       time.Time // what the ledger said when the store was opened

	queue     queue
	committed chan struct{} // closed when the committer has ended
	failed    chan error
	hasher    *format.RowHasher    // the committer's
	ledger    format.Ledger        // the committer's, as of the last commit
	spare     buffers              // the committer's
	commit    func(*bolt.Tx) error // (*bolt.Tx).Commit, but in tests of failing disks
	abandoned bool                 // the committer's, read when it has ended
	trimmer   trimmer              // the committer's
	now       func() time.Time     // time.Now, but in tests of old runs
	stopping  chan struct{}        // closed when the store is about to be closed

	trimmerDone chan struct{}
	rotator     rotator
	witness     *witness
	// held while a data key is made, an output file is sealed anew, or a backup takes database and
	// files together
	keyOfFiles sync.Mutex

	commits   atomic.Uint64
	changes   atomic.Uint64
	fileBytes atomic.Uint64
	runs      atomic.Uint64
	runBytes  atomic.Uint64
	degraded  atomic.Value // messages.Code
	closing   sync.Once
	closeErr  error

	live      liveOutputs
	starts    *startMarks
	pieces    pieceBuffers
	frames    frameBuffers
	trimming  trimming
	backingUp atomic.Bool
}

// ReleaseMemory returns the resident pages of the mapped file to the system. The store does so by
// itself after scans and when commits pause; it is for those who know that many reads are over.
func (s *Store) ReleaseMemory() error {
	_, err := s.view(func(r *reader) error { return boltfile.ReleaseMap(r.tx) })
	return err
}

// setLedger makes a ledger that is durable the one to go on from.
func (s *Store) setLedger(l *format.Ledger) {
	s.ledger = *l
	s.runs.Store(l.Digests[format.BucketRuns].Rows)
	s.runBytes.Store(l.RunBytes)
}

// Fresh reports whether this Open made the store.
func (s *Store) Fresh() bool { return s.fresh }

// LastAlive is when an agent committed last before this Open; zero: nobody knows.
func (s *Store) LastAlive() time.Time { return s.alive }

// Failed returns the error after which no commit is tried any more: the process must end, and start
// afresh from what is on the disk.
func (s *Store) Failed() <-chan error { return s.failed }

// Stats returns the counters since Open.
func (s *Store) Stats() messages.StoreStats {
	code, _ := s.degraded.Load().(messages.Code)
	return messages.StoreStats{
		Commits: s.commits.Load(), Changes: s.changes.Load(), FileBytes: s.fileBytes.Load(),
		Degraded: string(code),
		Runs:     s.runs.Load(), RunBytes: s.runBytes.Load(),
	}
}

// Close commits what is queued, and closes the file. Changes submitted later are refused.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.stopping)
		s.queue.close()
		<-s.committed
		<-s.trimmerDone
		<-s.rotator.done
		<-s.witness.done
		s.closeErr = errors.Join(s.starts.close(), s.closeDatabase(), datadir.Unlock(s.lock))
	})
	return s.closeErr
}

// closeDatabase closes the file, unless the committer panicked inside a transaction: then only the
// end of the process can.
func (s *Store) closeDatabase() error {
	if s.abandoned {
		return nil
	}
	return s.db.Close()
}

// view runs f in a read transaction, and returns the transaction's id. f must not begin another
// one: the two would wait for each other where the file is mapped anew between them.
func (s *Store) view(f func(*reader) error) (id uint64, err error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	err = s.db.View(func(tx *bolt.Tx) error {
		id = uint64(tx.ID())
		return f(newReader(tx, s.ring))
	})
	return id, err
}
