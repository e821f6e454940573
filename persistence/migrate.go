package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// migration brings a file to the next format. It runs in one transaction, which also writes the
// header with the new format.
type migration func(tx *bolt.Tx, h *keyring.Header, kek keyring.Key) error

// migrationFrom returns what brings a file of a format to the next one.
func migrationFrom(format uint16) migration {
	switch format {
	case 1:
		// The header gained the parameters of a passphrase, which the transaction writes by itself;
		// the ledger gained fields that are zero at first; the keys of the outbox gained a class.
		// Values, keys and output files are sealed as before.
		return migrateOutbox
	default:
		return nil
	}
}

var errNoMigration = errors.New("there is no way from its format to this one")

// migrate brings the verified file of an earlier version to the format of this one, after a copy of
// it was laid beside. What is cut short is begun again by the next start: each step is one
// transaction, and before the first one the file is as it was.
func migrate(o *Options, kek keyring.Key) error {
	path := o.databaseFile()
	h, err := verify.HeaderOf(path)
	if err != nil || h.Format == keyring.FormatVersion {
		return err
	}
	suffix, err := datadir.FreeSuffix(o.Dir, fmt.Sprintf("format%d", h.Format), o.now())
	if err != nil {
		return err
	}
	backup := path + suffix
	if err := copyAside(path, backup); err != nil {
		return fmt.Errorf("copy the database of format %d before it is brought to format %d; "+
			"give the disk room for a second one: %w",
			h.Format, keyring.FormatVersion, err)
	}
	if err := datadir.SyncDir(o.Dir); err != nil {
		return err
	}
	if err := migrateFile(path, &h, kek); err != nil {
		return fmt.Errorf("bring the database to format %d; as it was, it is in %s: %w",
			keyring.FormatVersion, backup, err)
	}
	o.Logger.Info("the database was brought to a new format", "format", keyring.FormatVersion,
		"backup",
		backup)
	return nil
}

func migrateFile(path string, h *keyring.Header, kek keyring.Key) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	for err == nil && h.Format < keyring.FormatVersion {
		err = db.Update(func(tx *bolt.Tx) error { return migrateStep(tx, h, kek) })
	}
	return errors.Join(err, db.Close())
}

func migrateStep(tx *bolt.Tx, h *keyring.Header, kek keyring.Key) error {
	step := migrationFrom(h.Format)
	if step == nil {
		return errNoMigration
	}
	if err := step(tx, h, kek); err != nil {
		return err
	}
	h.Format++
	return tx.Bucket([]byte(format.NameMeta)).Put([]byte(keyring.HeaderKey), h.Marshal())
}

// copyAside makes a durable copy, which has its name only when it is whole.
func copyAside(from, to string) error {
	half := to + datadir.Unfinished
	err := os.Remove(half)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = copyFile(from, half)
	}
	if err == nil {
		err = syncFile(half)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(half))
	}
	return os.Rename(half, to)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
