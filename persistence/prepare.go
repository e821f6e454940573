package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// unfinished is the suffix of a database that is being made. It gets its name when it and the key are durable.
const unfinished = ".new"

// asideTime is the form of the time in the name of a file that was moved aside.
const asideTime = "20060102T150405Z"

// prepare sees to it that there is a verified database and its key, and says whether it made them.
func prepare(o *Options) (kek Key, fresh bool, err error) {
	kek, keyErr := ReadKeyFile(o.keyFile())
	hasKey := keyErr == nil
	if keyErr != nil && !errors.Is(keyErr, fs.ErrNotExist) {
		return kek, false, keyErr
	}
	hasDatabase, err := exists(o.databaseFile())
	if err != nil {
		return kek, false, err
	}
	switch {
	case hasDatabase && hasKey:
		fresh, err = openable(o, kek)
	case hasDatabase:
		err = fmt.Errorf("%w: there is %s, but no key at %s; restore the key from a copy", ErrWrongKey, o.databaseFile(), o.keyFile())
	case hasKey:
		fresh, err = withoutDatabase(o, kek)
	default:
		if kek, err = newKey(); err == nil {
			fresh, err = true, create(o, kek, true)
		}
	}
	return kek, fresh, err
}

// openable verifies the database; a damaged one is moved aside where that was asked for, and a new one made.
func openable(o *Options, kek Key) (fresh bool, err error) {
	if o.VerifyChild != nil {
		err = o.VerifyChild(o.databaseFile())
	} else {
		err = VerifyFile(o.databaseFile(), kek)
	}
	if err == nil || !o.StartEmpty || !errors.Is(err, ErrDamaged) {
		return false, err
	}
	if err := moveAside(o, time.Now()); err != nil {
		return false, err
	}
	return true, create(o, kek, false)
}

// withoutDatabase tells a first start that was cut short, or one with a key that was provided, from a lost database.
func withoutDatabase(o *Options, kek Key) (fresh bool, err error) {
	half := o.databaseFile() + unfinished
	if ok, err := exists(half); err != nil {
		return false, err
	} else if ok && VerifyFile(half, kek) == nil {
		return true, finish(o)
	}
	if o.StartEmpty || isPristine(o) {
		return true, create(o, kek, false)
	}
	return false, fmt.Errorf("%w: %s is missing beside the key %s; restore it from a backup, or start with --start-empty to begin anew",
		ErrKeyWithoutDatabase, o.databaseFile(), o.keyFile())
}

// isPristine says whether the key comes from elsewhere and the data directory holds nothing yet.
func isPristine(o *Options) bool {
	if filepath.Dir(filepath.Clean(o.keyFile())) == filepath.Clean(o.Dir) {
		return false
	}
	entries, err := os.ReadDir(o.Dir)
	return err == nil && len(entries) == 1 && entries[0].Name() == lockName
}

// create makes the database under another name, then the key, then gives the database its name: at no moment is there a database without
// its key, and a key without a database is one that has the finished database beside it.
func create(o *Options, kek Key, withKey bool) error {
	half := o.databaseFile() + unfinished
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := fill(half, kek, o); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if withKey {
		if err := writeKeyFile(o.keyFile(), kek); err != nil {
			return err
		}
	}
	return finish(o)
}

func finish(o *Options) error {
	if err := os.Rename(o.databaseFile()+unfinished, o.databaseFile()); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return syncDir(o.Dir)
}

// fill makes a database with its header, its keys, empty buckets and the parameters' defaults.
func fill(path string, kek Key, o *Options) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		h, err := newHeader(kek, time.Now())
		if err != nil {
			return err
		}
		return seed(tx, h, kek, o)
	})
	return errors.Join(err, db.Close(), syncDir(filepath.Dir(path)))
}

func seed(tx *bolt.Tx, h header, kek Key, o *Options) error {
	for _, name := range []string{nameMeta, nameKeys, nameLedger} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for b := range bucketCount {
		if _, err := tx.CreateBucket([]byte(b.String())); err != nil {
			return err
		}
	}
	if err := tx.Bucket([]byte(nameMeta)).Put([]byte(headerKey), h.marshal()); err != nil {
		return err
	}
	if err := makeKeys(tx.Bucket([]byte(nameKeys)), kek, h.database); err != nil {
		return err
	}
	ring, err := openKeyring(tx, kek, h.database)
	if err != nil {
		return err
	}
	w := &writer{reader: *newReader(tx, ring), ledger: ledger{runsCounted: true}, hasher: newRowHasher(ring)}
	return errors.Join(w.seedParameters(), w.putVersion(o.Build), w.putLedger())
}

// moveAside renames the damaged database and its output files; what they hold can still be looked at.
func moveAside(o *Options, now time.Time) error {
	suffix := ".damaged-" + now.UTC().Format(asideTime)
	for _, path := range []string{o.databaseFile(), o.outputDir()} {
		if taken, err := exists(path + suffix); err != nil || taken {
			return errors.Join(err, fmt.Errorf("move %s aside: %s is taken; start again", path, path+suffix))
		}
		if err := os.Rename(path, path+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move the damaged database aside: %w", err)
		}
	}
	o.Logger.Warn("a damaged database was moved aside", "file", o.databaseFile()+suffix)
	return syncDir(o.Dir)
}

// makeDir makes a directory that only the agent's user can enter, durably.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
