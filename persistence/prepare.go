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
	hasDatabase, err := exists(o.databaseFile())
	switch {
	case err != nil:
		return kek, false, err
	case hasDatabase:
		return prepareExisting(o)
	}
	return prepareNew(o)
}

// prepareExisting finds the key of the database and verifies it; a damaged one is moved aside where that was asked for, and a new one made.
func prepareExisting(o *Options) (kek Key, fresh bool, err error) {
	h, headerErr := headerOf(o.databaseFile())
	source, err := o.findSource(h.kekKind)
	if err != nil {
		return kek, false, err
	}
	if headerErr == nil {
		kek, err = openKey(o, source, &h)
	} else if kek, err = keyOfUnreadable(source); errors.Is(err, fs.ErrNotExist) {
		err = headerErr
	}
	if err != nil {
		return kek, false, err
	}
	err = o.verify(kek)
	if err == nil || !o.StartEmpty || !errors.Is(err, ErrDamaged) {
		return kek, false, err
	}
	if err := moveAside(o, time.Now()); err != nil {
		return kek, false, err
	}
	kek, err = beginAnew(o, source)
	return kek, true, err
}

// openKey gives the key of a database by its header. A change of the key file that was cut short is finished.
func openKey(o *Options, source keySource, h *header) (Key, error) {
	if h.kekKind != source.kind() {
		return Key{}, fmt.Errorf("%w %s: it needs %s, and %s was given; name the right one (docs/storage.md, Keys)",
			ErrWrongKey, o.databaseFile(), kindName(h.kekKind), source)
	}
	kek, err := source.key(&h.stretching)
	if err == nil && h.checkKEK(kek) {
		return kek, nil
	}
	if file, ok := source.(keyFile); ok {
		if fresh, found := file.prepared(h); found {
			_, err := replaceKeyFile(file.path)
			return fresh, err
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return kek, fmt.Errorf("%w: there is %s, but no key at %s; restore the key from a copy, or %s",
			ErrWrongKey, o.databaseFile(), source.(keyFile).path, howToNameTheKey)
	case err != nil:
		return kek, err
	}
	return kek, fmt.Errorf("%w %s: %s is another one than it was made with; restore that one, or %s",
		ErrWrongKey, o.databaseFile(), source, howToNameTheKey)
}

func kindName(kind byte) string {
	if kind == kekPassphrase {
		return "a passphrase"
	}
	return "a key file or credential"
}

// keyOfUnreadable gives the key for a file without a readable header, which the verification will name what is wrong with.
func keyOfUnreadable(source keySource) (Key, error) {
	if source.kind() == kekPassphrase {
		return Key{}, nil // it can't be stretched: the salt is gone
	}
	return source.key(nil)
}

func (o *Options) verify(kek Key) error {
	if o.VerifyChild != nil {
		return o.VerifyChild(o.databaseFile(), kek)
	}
	return VerifyFile(o.databaseFile(), kek)
}

// prepareNew tells a first start, or one that was cut short, from a lost database.
func prepareNew(o *Options) (kek Key, fresh bool, err error) {
	source, err := o.findSource(kekUnknown)
	if err != nil {
		return kek, false, err
	}
	if kek, ok := halfDone(o, source); ok {
		return kek, true, finish(o)
	}
	err = source.check()
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (o.StartEmpty || isPristine(o, source)):
		kek, err = beginAnew(o, source)
		return kek, true, err
	case err != nil:
		return kek, false, err
	}
	return kek, false, fmt.Errorf("%w: %s is missing, and there is %s; restore it from a backup, or start with --start-empty to begin anew",
		ErrKeyWithoutDatabase, o.databaseFile(), source)
}

// halfDone says whether a first start was cut short when all but the database's name was done.
func halfDone(o *Options, source keySource) (kek Key, ok bool) {
	half := o.databaseFile() + unfinished
	h, err := headerOf(half)
	if err != nil {
		return kek, false
	}
	kek, err = source.key(&h.stretching)
	return kek, err == nil && VerifyFile(half, kek) == nil
}

// isPristine says whether the key comes from elsewhere and the data directory holds nothing yet.
func isPristine(o *Options, source keySource) bool {
	if !source.isElsewhere(o.Dir) {
		return false
	}
	entries, err := os.ReadDir(o.Dir)
	return err == nil && len(entries) == 1 && entries[0].Name() == lockName
}

// beginAnew makes a database, and its key where the source has none yet.
func beginAnew(o *Options, source keySource) (kek Key, err error) {
	if p, ok := source.(passphrase); ok {
		if err := p.checkNew(); err != nil {
			return kek, err
		}
	}
	h, err := newHeader(source.kind(), o.now())
	if err != nil {
		return kek, err
	}
	kek, err = source.key(&h.stretching)
	writeTo := ""
	if errors.Is(err, fs.ErrNotExist) {
		writeTo = source.(keyFile).path
		kek, err = newKey()
	}
	if err != nil {
		return kek, err
	}
	h.wrapWith(kek)
	return kek, create(o, &h, kek, writeTo)
}

// create makes the database under another name, then the key, then gives the database its name: at no moment is there a database without
// its key, and a key without a database is one that has the finished database beside it. writeTo empty: the key is there.
func create(o *Options, h *header, kek Key, writeTo string) error {
	half := o.databaseFile() + unfinished
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := fill(half, h, kek, o); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if writeTo != "" {
		if err := writeKeyFile(writeTo, kek); err != nil {
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
func fill(path string, h *header, kek Key, o *Options) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return seed(tx, h, kek, o) })
	return errors.Join(err, db.Close(), syncDir(filepath.Dir(path)))
}

func seed(tx *bolt.Tx, h *header, kek Key, o *Options) error {
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
