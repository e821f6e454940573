package persistence

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/salvage"
	"gusty/persistence/internal/verify"
)

// ErrWhole says that there is nothing to recover.
var ErrWhole = errors.New("the database is whole; there is nothing to recover")

// RecoverOptions say which store is damaged, and how it is read.
type RecoverOptions struct {
	Dir     string // of no running agent
	KeyFile string // empty: as in Options
	// AskPassphrase asks for the store's passphrase, as in Options.
	AskPassphrase func(isNew bool) (messages.Secret, error)
	// Read reads the damaged file, in a process of its own (see SpawnSalvager). nil: here.
	Read   salvage.Salvager
	Logger *slog.Logger // nil: nothing is logged
}

// Recovered says what Recover brought into the new file, and what was lost.
type Recovered struct {
	Buckets []RecoveredBucket `json:"tables"`
	Strays  []string          `json:"may_be_old"` // names of jobs and users that may be old, or were deleted: see RecoveredBucket.Stray
	Kept    string            `json:"kept"`       // the damaged file, under its new name
	Broken  string            `json:"broken"`     // why the reading ended before the file's end; empty: it did not
}

// RecoveredBucket is one kind of row.
type RecoveredBucket struct {
	Name  string `json:"name"` // of the bucket
	Found uint64 `json:"found"`
	// Lost is how many rows there were more, by the ledger; -1: the ledger is lost, and nobody
	// knows.
	Lost int64 `json:"lost"`
	// Stray counts those of Found that lay on pages which nothing led to: they may be older than
	// the last change of their row.
	Stray uint64   `json:"may_be_old"`
	Names []string `json:"lost_names"` // of what was lost, as far as they are known
}

// Recover brings the readable rows of a damaged database into a new one, which takes its place; the
// damaged file stays beside it under a name with the time. The new file has the id and the keys of
// the old one, so that output files still open. The error wraps ErrWhole where there is no damage,
// or is what else keeps the database from being opened; then nothing was changed.
func Recover(o RecoverOptions) (Recovered, error) {
	store := Options{
		Dir: o.Dir, KeyFile: o.KeyFile, AskPassphrase: o.AskPassphrase, Existing: true,
		Logger: o.Logger,
	}
	store.setDefaults()
	if err := store.makeReady(); err != nil {
		return Recovered{}, err
	}
	lock, err := datadir.LockDir(o.Dir)
	if err != nil {
		return Recovered{}, err
	}
	done, err := o.recover(&store)
	return done, errors.Join(err, datadir.Unlock(lock))
}

func (o *RecoverOptions) recover(store *Options) (done Recovered, err error) {
	if err := datadir.FinishSwaps(o.Dir); err != nil {
		return done, err
	}
	store.setDefaults()
	kek, err := keyToRecover(store)
	if err != nil {
		return done, err
	}
	if err := recoverable(verify.VerifyFile(store.databaseFile(), kek)); err != nil {
		return done, err
	}
	fresh, err := datadir.BeginSwap(o.Dir)
	if err != nil {
		return done, err
	}
	path := filepath.Join(fresh, datadir.DatabaseName)
	if done, err = o.rebuild(store.databaseFile(), path, kek); err == nil {
		err = verify.VerifyFile(path, kek)
	}
	if err != nil {
		return done, errors.Join(err, os.RemoveAll(fresh))
	}
	if err := noteGeneration(fresh, kek); err != nil {
		return done, errors.Join(err, os.RemoveAll(fresh))
	}
	suffix, err := datadir.CommitSwap(o.Dir, "damaged", time.Now())
	if err != nil {
		return done, fmt.Errorf("replace the damaged database: %w", err)
	}
	done.Kept = store.databaseFile() + suffix
	return done, nil
}

// keyToRecover returns the key by the header, or where that is damaged by a copy of it on an older
// page, which a passphrase needs.
func keyToRecover(store *Options) (kek keyring.Key, err error) {
	h, err := verify.HeaderOf(store.databaseFile())
	found := []keyring.Header{h}
	if err != nil {
		found, err = keyring.FindHeaders(store.databaseFile())
	}
	if err != nil {
		return kek, err
	}
	for i := range found {
		var source keyring.KeySource
		if source, err = keyring.FindSource(store.source(), found[i].KekKind); err == nil {
			kek, err = keyring.OpenKey(store.databaseFile(), source, &found[i])
		}
		if err == nil {
			return kek, nil
		}
	}
	if len(found) > 0 {
		return kek, err
	}
	source, err := keyring.FindSource(store.source(), keyring.KekUnknown)
	if err != nil {
		return kek, err
	}
	return keyring.KeyOfUnreadable(source)
}

// recoverable says why a file is not to be recovered. One without any meta page seems to be
// something else, and may be ours.
func recoverable(verdict error) error {
	switch {
	case verdict == nil:
		return ErrWhole
	case isUnusable(verdict):
		return nil
	}
	return verdict
}

// rebuild reads the damaged file and writes the new one.
func (o *RecoverOptions) rebuild(from, to string, kek keyring.Key) (done Recovered, err error) {
	read := o.Read
	if read == nil {
		read = salvage.Here
	}
	db, err := openDatabase(to)
	if err != nil {
		return done, err
	}
	r := &rebuild{db: db, kek: kek}
	readErr := read(from, kek, r.Take)
	if r.ring == nil {
		return done, errors.Join(cannotRecover(from, readErr), r.abandon())
	}
	if err := errors.Join(r.failed, r.Finish(), db.Close()); err != nil {
		return done, fmt.Errorf("write the recovered database: %w", err)
	}
	if !r.ended && readErr != nil {
		done.Broken = readErr.Error()
	}
	done.Buckets, done.Strays = r.report()
	return done, nil
}

func cannotRecover(path string, cause error) error {
	if cause == nil {
		cause = errors.New("its keys were not found")
	}
	if errors.Is(cause, format.ErrWrongKey) || errors.Is(cause, format.ErrNewerFormat) {
		return cause
	}
	return fmt.Errorf("nothing of %s can be recovered: %w", path, cause)
}
