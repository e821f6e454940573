package persistence

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// TestMovedRows lets one who has the file but no key change it by bbolt's own means.
func TestMovedRows(t *testing.T) {
	first := func(b *bolt.Bucket) (k, v []byte) {
		k, v = b.Cursor().First()
		return bytes.Clone(k), bytes.Clone(v)
	}
	bucket := func(tx *bolt.Tx, b format.BucketID) *bolt.Bucket {
		return tx.Bucket([]byte(b.String()))
	}
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"two rows swapped": func(tx *bolt.Tx) error {
			jobs := bucket(tx, format.BucketJobs)
			k, v := first(jobs)
			l, w := jobs.Cursor().Last()
			l, w = bytes.Clone(l), bytes.Clone(w)
			return errors.Join(jobs.Put(k, w), jobs.Put(l, v))
		},
		"a row moved to another bucket": func(tx *bolt.Tx) error {
			k, v := first(bucket(tx, format.BucketJobs))
			return errors.Join(bucket(tx, format.BucketUsers).Put(k, v),
				bucket(tx, format.BucketJobs).Delete(k))
		},
		"a row removed": func(tx *bolt.Tx) error {
			k, _ := first(bucket(tx, format.BucketUsers))
			return bucket(tx, format.BucketUsers).Delete(k)
		},
		"a row copied": func(tx *bolt.Tx) error {
			_, v := first(bucket(tx, format.BucketUsers))
			return bucket(tx, format.BucketUsers).Put([]byte("another key"), v)
		},
		"an entry of an order removed": func(tx *bolt.Tx) error {
			k, _ := first(bucket(tx, format.BucketByState))
			return bucket(tx, format.BucketByState).Delete(k)
		},
		"a bucket emptied": func(tx *bolt.Tx) error {
			name := []byte(format.BucketOutbox.String())
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
			_, err := tx.CreateBucket(name)
			return err
		},
		"a bucket added": func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("other"))
			return err
		},
		"the ledger removed":   func(tx *bolt.Tx) error { return tx.Bucket([]byte(format.NameLedger)).Delete([]byte(format.LedgerKey)) },
		"the header removed":   func(tx *bolt.Tx) error { return tx.Bucket([]byte(format.NameMeta)).Delete([]byte(keyring.HeaderKey)) },
		"the data key removed": func(tx *bolt.Tx) error { return tx.Bucket([]byte(format.NameKeys)).Delete([]byte{0, 0, 0, 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fillStore(t, dir)
			tamper(t, dir, change)
			if _, err := Open(Options{Dir: dir}); !errors.Is(err, format.ErrDamaged) &&
				!errors.Is(err, boltfile.ErrForeign) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	tamper(t, dir, func(tx *bolt.Tx) error {
		h, err := keyring.ReadHeader(tx)
		h.Format++
		return errors.Join(err,
			tx.Bucket([]byte(format.NameMeta)).Put([]byte(keyring.HeaderKey), h.Marshal()))
	})
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, format.ErrNewerFormat) {
		t.Errorf("got %v", err)
	}
}

func TestForeignBoltFile(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	if err := os.Remove(filepath.Join(dir, datadir.DatabaseName)); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody's"))
		return err
	})
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, boltfile.ErrForeign) {
		t.Errorf("got %v", err)
	}
}

func tamper(t *testing.T, dir string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, datadir.DatabaseName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}
