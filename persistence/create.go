package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

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

// create makes the database under another name, then the key, then gives the database its name: at
// no moment is there a database without its key, and a key without a database is one that has the
// finished database beside it. writeTo empty: the key is there.
func create(o *Options, h *header, kek Key, writeTo string) error {
	half := o.databaseFile() + unfinished
	if err := removeRegular(half); err != nil {
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
	w := &writer{
		reader: *newReader(tx, ring),
		ledger: ledger{runsCounted: true},
		hasher: newRowHasher(ring.rows),
	}
	return errors.Join(w.seedParameters(), w.putVersion(o.Build), w.putLedger())
}
