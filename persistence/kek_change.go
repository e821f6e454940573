package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// NewKey says where the key-encryption key is to come from. The zero value is a new key in the file
// that has the present one.
type NewKey struct {
	File       string          // the key in it, or a new one where there is no such file
	Passphrase messages.Secret // goes before File
}

// ErrSameKeyFile says that the file named for a new key is the one that has the present key.
var ErrSameKeyFile = errors.New(
	"the present key is in that file already; for a new one in its place name no new file")

// ErrNoPlaceForKey says that a new key has no file to go to: the present one is a passphrase or a
// credential.
var ErrNoPlaceForKey = errors.New("the present key does not come from a file that a new one " +
	"could go to; say where the new one is to come from")

// ChangeKey wraps the data keys of a stopped agent's store with another key-encryption key, in one
// transaction; rows are not touched. The key file that has become useless is kept under another
// name, for backups that were made with it, and that name is given; "" where there is none. The
// error is as that of Open.
func ChangeKey(o Options, to NewKey) (kept string, err error) {
	o.Existing, o.StartEmpty = true, false
	o.setDefaults()
	if err := o.makeReady(); err != nil {
		return "", err
	}
	lock, err := datadir.LockDir(o.Dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := datadir.FinishSwaps(o.Dir); err != nil {
		return "", err
	}
	kek, _, err := prepare(&o)
	if err != nil {
		return "", err
	}
	if err := migrate(&o, kek); err != nil {
		return "", err
	}
	return changeKey(&o, kek, to)
}

func changeKey(o *Options, kek keyring.Key, to NewKey) (kept string, err error) {
	h, err := verify.HeaderOf(o.databaseFile())
	if err != nil {
		return "", err
	}
	present, err := keyring.FindSource(o.source(), h.KekKind)
	if err != nil {
		return "", err
	}
	inPlace := to == NewKey{}
	fresh, err := to.ready(o, present, &h)
	if err != nil {
		return "", err
	}
	h.WrapWith(fresh)
	if err := rewrapFile(o.databaseFile(), &h, kek, fresh); err != nil {
		return "", fmt.Errorf("wrap the data keys: %w", err)
	}
	old, isFile := present.(keyring.KeyFile)
	switch {
	case inPlace:
		return keyring.ReplaceKeyFile(old.Path)
	case isFile && !old.IsElsewhere(o.Dir):
		return retireKeyFile(old.Path)
	}
	return "", nil
}

// ready makes the new key durable, and notes its kind in the header.
func (n NewKey) ready(o *Options, present keyring.KeySource, h *keyring.Header) (fresh keyring.Key,
	err error,
) {
	file, isFile := present.(keyring.KeyFile)
	switch {
	case n.Passphrase != "":
		p := keyring.NewPassphrase("the new passphrase", func() (messages.Secret, error) {
			return n.Passphrase, nil
		})
		if err := errors.Join(p.CheckNew(), h.SetKind(keyring.KekPassphrase)); err != nil {
			return fresh, err
		}
		return p.Key(&h.Stretching)
	case n.File != "" && isFile && isSameFile(n.File, file.Path):
		return fresh, ErrSameKeyFile
	case n.File != "":
		if err := h.SetKind(keyring.KekFile); err != nil {
			return fresh, err
		}
		return readOrMake(n.File)
	case !isFile || isCredential(file, o):
		return fresh, ErrNoPlaceForKey
	}
	if fresh, err = keyring.NewKey(); err == nil {
		err = keyring.PrepareKeyFile(file.Path, fresh)
	}
	return fresh, err
}

func isSameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// isCredential reports whether a key file is the one that systemd hands to the agent.
func isCredential(k keyring.KeyFile, o *Options) bool {
	return o.getenv(keyring.CredentialVariable) != "" &&
		k.Path == filepath.Join(o.getenv(keyring.CredentialVariable), keyring.CredentialName)
}

// readOrMake returns the key in a file, or makes one.
func readOrMake(path string) (keyring.Key, error) {
	k, err := keyring.ReadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = keyring.NewKey(); err != nil {
		return k, err
	}
	return k, keyring.WriteKeyFile(path, k)
}

// rewrapFile wraps the keys of a closed, verified database anew and writes its header.
func rewrapFile(path string, h *keyring.Header, from, to keyring.Key) error {
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if err := rewrap(tx.Bucket([]byte(format.NameKeys)), h.Database, from, to); err != nil {
			return err
		}
		return tx.Bucket([]byte(format.NameMeta)).Put([]byte(keyring.HeaderKey), h.Marshal())
	})
	return errors.Join(err, db.Close())
}

func rewrap(keys *bolt.Bucket, database [16]byte, from, to keyring.Key) error {
	wrapping, err := keyring.NewWrapping(from, database)
	if err != nil {
		return err
	}
	ring := &keyring.Keyring{Database: database, Wrapping: wrapping}
	if wrapping, err = keyring.NewWrapping(to, database); err != nil {
		return err
	}
	rows := map[uint32][]byte{}
	err = keys.ForEach(func(k, row []byte) error {
		version := binary.BigEndian.Uint32(k)
		key, err := ring.Unwrap(version, row)
		if err == nil {
			rows[version], err = keyring.WrapKey(wrapping, database, version, key)
		}
		return err
	})
	for version, row := range rows {
		err = errors.Join(err, keys.Put(keyring.KeyRow(version), row))
	}
	return err
}

// retireKeyFile returns a key file that opens nothing any more another name.
func retireKeyFile(path string) (kept string, err error) {
	kept = keyring.RetiredName(path)
	err = os.Rename(path, kept)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return kept, errors.Join(err, datadir.SyncDir(filepath.Dir(path)))
}

// ErrNoKeyFile says that the key is a passphrase, of which there is nothing to export.
var ErrNoKeyFile = errors.New("the key is made of a passphrase: keep that")

// ExportKey returns the text of the key that comes from a file or a credential, as a key file has
// it: for a copy to keep elsewhere. It does not look at the database, so the agent may run.
func ExportKey(o Options) ([]byte, error) {
	o.setDefaults()
	source, err := keyring.FindSource(o.source(), keyring.KekUnknown)
	if err != nil {
		return nil, err
	}
	file, ok := source.(keyring.KeyFile)
	if !ok {
		return nil, ErrNoKeyFile
	}
	k, err := keyring.ReadKeyFile(file.Path)
	if err != nil {
		return nil, err
	}
	return keyring.KeyText(k), nil
}
