package keyring

import (
	"crypto/cipher"
	"encoding/binary"
	"maps"
	"slices"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/format"
)

// Keyring holds the opened keys of one database. It is shared by all goroutines: all of it stays as
// it is, but for the data keys, which are replaced as a whole when the committer makes a new one.
type Keyring struct {
	Database [16]byte
	names    []byte      // key of the keyed hash of names
	Rows     []byte      // key of the row hashes
	Witness  []byte      // key of the MAC of the generation's file
	Starts   []byte      // key of the MAC of the file of starts
	Wrapping cipher.AEAD // wraps what is in the bucket of keys
	Keys     atomic.Pointer[dataKeys]
}

// dataKeys are the data keys by version. It is immutable. A key that the file does not hold any
// more stays until the process ends: a read transaction that began before may still need it.
type dataKeys struct {
	Data    map[uint32]dataKey
	values  map[uint32]cipher.AEAD
	Current uint32 // seals what is written
}

type dataKey [KeyBytes]byte

// OpenKeyring reads and unwraps all keys of an open database.
func OpenKeyring(tx *bolt.Tx, kek Key, database [16]byte) (*Keyring, error) {
	bucket := tx.Bucket([]byte(format.NameKeys))
	if bucket == nil {
		return nil, ErrKeyring
	}
	rows := map[uint32][]byte{}
	err := bucket.ForEach(func(k, row []byte) error {
		if len(k) != 4 {
			return ErrKeyring
		}
		rows[binary.BigEndian.Uint32(k)] = row
		return nil
	})
	if err != nil {
		return nil, err
	}
	return UnwrapKeyring(rows, kek, database)
}

// UnwrapKeyring opens the rows of the keys; the highest version is the current one.
func UnwrapKeyring(rows map[uint32][]byte, kek Key, database [16]byte) (*Keyring, error) {
	if len(rows) == 0 {
		return nil, ErrKeyring // recovery may find a header and no key beside it
	}
	wrapping, err := NewWrapping(kek, database)
	if err != nil {
		return nil, err
	}
	ring := &Keyring{Database: database, Wrapping: wrapping}
	ring.Keys.Store(&dataKeys{})
	for version, row := range rows {
		key, err := ring.Unwrap(version, row)
		if err != nil {
			return nil, err
		}
		if err := ring.Add(version, key); err != nil {
			return nil, err
		}
	}
	current := slices.Max(slices.Collect(maps.Keys(rows)))
	if ring.names == nil || current == RootVersion {
		return nil, ErrKeyring
	}
	ring.MakeCurrent(current)
	return ring, nil
}

// Unwrap opens the row of a key.
func (r *Keyring) Unwrap(version uint32, row []byte) ([]byte, error) {
	if len(row) != format.NonceBytes+KeyBytes+16 {
		return nil, ErrKeyring
	}
	key, err := r.Wrapping.Open(nil, row[:format.NonceBytes], row[format.NonceBytes:],
		wrapAD(r.Database, version))
	if err != nil {
		return nil, ErrKeyring
	}
	return key, nil
}

// Add lets the ring open what a key sealed. A data key does not seal before MakeCurrent.
func (r *Keyring) Add(version uint32, key []byte) (err error) {
	if version == RootVersion {
		if r.names, err = derive(key, r.Database, infoNames); err != nil {
			return err
		}
		if r.Rows, err = derive(key, r.Database, infoRows); err != nil {
			return err
		}
		if r.Witness, err = derive(key, r.Database, infoGeneration); err != nil {
			return err
		}
		r.Starts, err = derive(key, r.Database, infoStarts)
		return err
	}
	secret, err := derive(key, r.Database, infoValues)
	if err != nil {
		return err
	}
	values, err := NewAEAD(secret)
	if err != nil {
		return err
	}
	r.Keys.Store(r.Keys.Load().with(version, dataKey(key), values))
	return nil
}

func (r *Keyring) MakeCurrent(version uint32) {
	next := *r.Keys.Load()
	next.Current = version
	r.Keys.Store(&next)
}

// with returns the keys and one more.
func (k *dataKeys) with(version uint32, key dataKey, values cipher.AEAD) *dataKeys {
	next := &dataKeys{
		Data:    map[uint32]dataKey{version: key},
		values:  map[uint32]cipher.AEAD{version: values},
		Current: k.Current,
	}
	for v := range k.Data {
		if v != version {
			next.Data[v], next.values[v] = k.Data[v], k.values[v]
		}
	}
	return next
}
