package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// beginAnew makes a database, and its key where the source has none yet.
func beginAnew(o *Options, source keyring.KeySource) (kek keyring.Key, err error) {
	if p, ok := source.(keyring.Passphrase); ok {
		if err := p.CheckNew(); err != nil {
			return kek, err
		}
	}
	h, err := keyring.NewHeader(source.Kind(), o.now())
	if err != nil {
		return kek, err
	}
	kek, err = source.Key(&h.Stretching)
	writeTo := ""
	if errors.Is(err, fs.ErrNotExist) {
		writeTo = source.(keyring.KeyFile).Path
		kek, err = keyring.NewKey()
	}
	if err != nil {
		return kek, err
	}
	h.WrapWith(kek)
	return kek, create(o, &h, kek, writeTo)
}

// create makes the database under another name, then the key, then gives the database its name: at
// no moment is there a database without its key, and a key without a database is one that has the
// finished database beside it. writeTo empty: the key is there.
func create(o *Options, h *keyring.Header, kek keyring.Key, writeTo string) error {
	half := o.databaseFile() + datadir.Unfinished
	if err := datadir.RemoveRegular(half); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := fill(half, h, kek, o); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if writeTo != "" {
		if err := keyring.WriteKeyFile(writeTo, kek); err != nil {
			return err
		}
	}
	return finish(o)
}

func finish(o *Options) error {
	if err := os.Rename(o.databaseFile()+datadir.Unfinished, o.databaseFile()); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return datadir.SyncDir(o.Dir)
}

// fill makes a database with its header, its keys, empty buckets and the parameters' defaults.
func fill(path string, h *keyring.Header, kek keyring.Key, o *Options) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return seed(tx, h, kek, o) })
	return errors.Join(err, db.Close(), datadir.SyncDir(filepath.Dir(path)))
}

func seed(tx *bolt.Tx, h *keyring.Header, kek keyring.Key, o *Options) error {
	for _, name := range []string{format.NameMeta, format.NameKeys, format.NameLedger} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for b := range format.BucketCount {
		if _, err := tx.CreateBucket([]byte(b.String())); err != nil {
			return err
		}
	}
	if err := tx.Bucket([]byte(format.NameMeta)).Put([]byte(keyring.HeaderKey),
		h.Marshal()); err != nil {
		return err
	}
	if err := keyring.MakeKeys(tx.Bucket([]byte(format.NameKeys)), kek, h.Database); err != nil {
		return err
	}
	ring, err := keyring.OpenKeyring(tx, kek, h.Database)
	if err != nil {
		return err
	}
	w := &writer{
		reader: *newReader(tx, ring),
		ledger: format.Ledger{RunsCounted: true},
		hasher: format.NewRowHasher(ring.Rows),
	}
	return errors.Join(w.seedParameters(), w.putVersion(o.Build), w.putLedger())
}
