package persistence

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"gusty/internal/atomicfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

const (
	generationMagic = "GUSTYGEN"
	generationBytes = 8 + 2 + 16 + 8 + sha256.Size
	generationForm  = 1
)

// witnessEvery is how often the file of the generation is brought up to date: so old a database may
// be put back without being noticed.
const witnessEvery = 30 * time.Second

// witness keeps the generation of the database, which counts its transactions, in a file outside of
// it: a database that is older than the file says was put back. The file is never ahead of the
// database, since it is written after a commit.
type witness struct {
	path       string
	key        []byte // of the file's MAC
	database   [16]byte
	generation atomic.Uint64 // of the last commit
	noted      uint64        // in the file; of one goroutine
	failing    bool          // it is told that the file can't be written; of that goroutine
	done       chan struct{}
}

func newWitness(o *Options, ring *keyring.Keyring) *witness {
	return &witness{
		path:     cmp.Or(o.GenerationFile, filepath.Join(o.Dir, datadir.GenerationName)),
		key:      ring.Witness,
		database: ring.Database, done: make(chan struct{}),
	}
}

// Marshal returns the file: magic, form, database, generation, HMAC-SHA256 of all that.
func (w *witness) Marshal(generation uint64) []byte {
	b := append(make([]byte, 0, generationBytes), generationMagic...)
	b = binary.BigEndian.AppendUint16(b, generationForm)
	b = append(b, w.database[:]...)
	b = binary.BigEndian.AppendUint64(b, generation)
	mac := hmac.New(sha256.New, w.key)
	mac.Write(b)
	return mac.Sum(b)
}

// read returns what the file says; ok is false where there is none, or one of another database, or
// a forged one.
func (w *witness) read() (generation uint64, ok bool, err error) {
	b, err := atomicfile.ReadRegular(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read the generation of the database: %w", err)
	}
	if len(b) != generationBytes {
		return 0, false, nil
	}
	generation = binary.BigEndian.Uint64(b[26:])
	return generation, hmac.Equal(b, w.Marshal(generation)), nil
}

// write brings the file up to date.
func (w *witness) write() error {
	now := w.generation.Load()
	if now == w.noted {
		return nil
	}
	if err := atomicfile.Write(w.path, w.Marshal(now), 0o600); err != nil {
		return err
	}
	w.noted = now
	return nil
}

// checkGeneration refuses a database that is older than its witness, unless that is accepted.
func (s *Store) checkGeneration(o *Options) error {
	noted, ok, err := s.witness.read()
	switch {
	case err != nil:
		return err
	case !ok && s.ledger.Generation > 1: // it is not a new one
		s.logger.Warn("nothing tells whether the database is the newest: the file of its "+
			"generation is missing or is not its own; it is made anew",
			"file", s.witness.path)
	case ok && noted > s.ledger.Generation && !o.AcceptRollback:
		return fmt.Errorf("%w: %s has seen %d transactions, and %s notes %d; put the newest one "+
			"back, or start with --accept-rollback once",
			format.ErrRolledBack, o.databaseFile(), s.ledger.Generation, s.witness.path, noted)
	case ok && noted > s.ledger.Generation:
		s.logger.Warn("an older copy of the database is accepted", "transactions",
			s.ledger.Generation, "there_were", noted)
		s.ledger.Generation = noted
		if _, err := s.write(func(*writer) error {
			return nil
		}); err != nil && !datadir.IsStorageError(err) {
			return err
		}
	case ok:
		s.witness.noted = noted
	}
	s.witness.generation.Store(s.ledger.Generation)
	return nil
}

// runWitness keeps the file up to date while the store is open.
func (s *Store) runWitness() {
	defer close(s.witness.done)
	tick := time.NewTicker(witnessEvery)
	defer tick.Stop()
	for {
		s.bearWitness()
		select {
		case <-s.committed:
			s.bearWitness()
			return
		case <-tick.C:
		}
	}
}

// bearWitness writes the file; where that fails a rollback to now is not noticed, and nothing else
// is lost.
func (s *Store) bearWitness() {
	err := s.witness.write()
	if err != nil && !s.witness.failing {
		s.logger.Warn("the generation of the database was not noted", "error", err)
	}
	s.witness.failing = err != nil
}

// noteGeneration writes the file for a closed, verified database of this version that is about to
// take another one's place.
func noteGeneration(dir string, kek keyring.Key) error {
	return verify.LookInto(filepath.Join(dir, datadir.DatabaseName), kek,
		func(v *verify.Verifier) error {
			l, err := v.Ledger()
			if err != nil {
				return err
			}
			w := newWitness(&Options{Dir: dir}, v.Opener.Ring)
			return datadir.WriteSynced(w.path, w.Marshal(l.Generation))
		})
}
