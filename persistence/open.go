package persistence

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// Open opens the store in o.Dir, or makes one where there is none yet. Its error is an *InUseError
// or wraps one of ErrDamaged, ErrWrongKey, ErrForeign, ErrNewerFormat, ErrKeyWithoutDatabase and
// ErrRolledBack, or is one of the file system.
func Open(o Options) (*Store, error) {
	o.setDefaults()
	if err := o.makeReady(); err != nil {
		return nil, err
	}
	lock, err := datadir.LockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s, err := openLocked(&o)
	if err != nil {
		return nil, errors.Join(err, datadir.Unlock(lock))
	}
	s.lock = lock
	s.checkDisk()
	if !s.db.IsReadOnly() {
		s.sweepOutput()
		s.sweepSpool()
	}
	go s.runCommitter()
	go s.runTrimmer()
	go s.runRotator()
	go s.runWitness()
	return s, nil
}

// makeReady makes the data directory, or returns an error where there is no store in it and one is
// asked for. What is in it is closed to others before any of it is read.
func (o *Options) makeReady() error {
	if !o.Existing {
		return makeDataDir(o.Dir, o.Logger)
	}
	if _, err := os.Stat(o.databaseFile()); err != nil && !datadir.SwapWaits(o.Dir) {
		return fmt.Errorf(
			"there is no store to open; name the agent's data directory with --data-dir: %w", err)
	}
	return private.SecureDir(o.Dir, o.Logger)
}

func openLocked(o *Options) (*Store, error) {
	if err := removeUnfinished(o.databaseFile() + datadir.Compacting); err != nil {
		return nil, err
	}
	if err := datadir.FinishSwaps(o.Dir); err != nil {
		return nil, err
	}
	kek, fresh, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if !fresh {
		if err := migrate(o, kek); err != nil {
			return nil, err
		}
		compactAtStart(o, kek)
	}
	db, err := openAnyhow(o.databaseFile())
	if err != nil {
		return nil, err
	}
	s, err := newStore(o, db, kek)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.fresh = fresh
	return s, nil
}

// openDatabase opens a file that is there; bbolt would fill an empty one.
func openDatabase(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, FreelistType: bolt.FreelistMapType, InitialMmapSize: initialMapBytes,
		NoStatistics: true,
		OpenFile:     private.OpenFile,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.AllocSize = growBytes
	return db, nil
}

func newStore(o *Options, db *bolt.DB, kek keyring.Key) (*Store, error) {
	s := &Store{
		db: db, logger: o.Logger, agent: o.Agent, output: o.outputDir(),
		spool: filepath.Join(o.Dir, spoolName), build: o.Build, commit: commitAsBuilt,
		committed: make(chan struct{}), failed: make(chan error, 1), now: o.now,
		stopping: make(chan struct{}), trimmerDone: make(chan struct{}),
		trimmer: trimmer{lists: map[format.NameKey]struct{}{}, kick: make(chan struct{}, 1)},
		rotator: rotator{
			rotateAfter: cmp.Or(o.rotateAfter, rotateAfterSeals),
			kick:        make(chan struct{}, 1),
			done:        make(chan struct{}),
		},
	}
	s.queue.wake = make(chan struct{}, 1)
	err := db.View(func(tx *bolt.Tx) error {
		s.fileBytes.Store(uint64(tx.Size()))
		return s.load(tx, kek)
	})
	if err != nil {
		return nil, format.Damaged(o.databaseFile(), err)
	}
	s.witness = newWitness(o, s.ring)
	if err := s.checkGeneration(o); err != nil {
		return nil, err
	}
	if err := s.loadHistory(); err != nil {
		return nil, format.Damaged(o.databaseFile(), err)
	}
	if err := s.recordBuild(o.Build); err != nil {
		return nil, err
	}
	if err := s.openStarts(o); err != nil {
		return nil, format.Damaged(o.databaseFile(), err)
	}
	return s, s.makeOutputDir()
}

// makeOutputDir makes the directory of output files. Where the disk takes none, the output of runs
// is not kept.
func (s *Store) makeOutputDir() error {
	err := datadir.MakeDir(s.output)
	if datadir.IsStorageError(err) {
		s.logger.Warn("the directory of output files could not be made", "error", err)
		return nil
	}
	return err
}

func (s *Store) load(tx *bolt.Tx, kek keyring.Key) error {
	h, err := keyring.ReadHeader(tx)
	if err != nil {
		return err
	}
	if s.ring, err = keyring.OpenKeyring(tx, kek, h.Database); err != nil {
		return err
	}
	s.hasher = format.NewRowHasher(s.ring.Rows)
	s.ledger, err = readLedger(newReader(tx, s.ring))
	s.alive, s.startsNoted = s.ledger.Alive, s.ledger.StartsNoted
	return err
}

// recordBuild keeps the row of agent_version true, where a build is given. A disk that takes no
// writes does not keep the store from opening.
func (s *Store) recordBuild(b messages.Build) error {
	if b == (messages.Build{}) {
		return nil
	}
	var differs bool
	_, err := s.view(func(r *reader) (err error) {
		differs, err = r.versionDiffers(b)
		return err
	})
	if err != nil || !differs {
		return err
	}
	_, err = s.write(func(w *writer) error { return w.putVersion(b) })
	if e := messages.AsError(err); e != nil {
		s.logger.Warn("the build was not recorded in the store", "error", e)
		return nil
	}
	return err
}
