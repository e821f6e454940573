package persistence

import (
	"crypto/cipher"
	"encoding/binary"
	"maps"
	"slices"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// keyring holds the opened keys of one database. It is shared by all goroutines: all of it stays as
// it is, but for the data keys, which are replaced as a whole when the committer makes a new one.
type keyring struct {
	database [16]byte
	names    []byte      // key of the keyed hash of names
	rows     []byte      // key of the row hashes
	witness  []byte      // key of the MAC of the generation's file
	starts   []byte      // key of the MAC of the file of starts
	wrapping cipher.AEAD // wraps what is in the bucket of keys
	keys     atomic.Pointer[dataKeys]
}

// dataKeys are the data keys by version. It is immutable. A key that the file does not hold any
// more stays until the process ends: a read transaction that began before may still need it.
type dataKeys struct {
	data    map[uint32]dataKey
	values  map[uint32]cipher.AEAD
	current uint32 // seals what is written
}

type dataKey [keyBytes]byte

// openKeyring reads and unwraps all keys of an open database.
func openKeyring(tx *bolt.Tx, kek Key, database [16]byte) (*keyring, error) {
	bucket := tx.Bucket([]byte(nameKeys))
	if bucket == nil {
		return nil, errKeyring
	}
	rows := map[uint32][]byte{}
	err := bucket.ForEach(func(k, row []byte) error {
		if len(k) != 4 {
			return errKeyring
		}
		rows[binary.BigEndian.Uint32(k)] = row
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unwrapKeyring(rows, kek, database)
}

// unwrapKeyring opens the rows of the keys; the highest version is the current one.
func unwrapKeyring(rows map[uint32][]byte, kek Key, database [16]byte) (*keyring, error) {
	if len(rows) == 0 {
		return nil, errKeyring // recovery may find a header and no key beside it
	}
	wrapping, err := newWrapping(kek, database)
	if err != nil {
		return nil, err
	}
	ring := &keyring{database: database, wrapping: wrapping}
	ring.keys.Store(&dataKeys{})
	for version, row := range rows {
		key, err := ring.unwrap(version, row)
		if err != nil {
			return nil, err
		}
		if err := ring.add(version, key); err != nil {
			return nil, err
		}
	}
	current := slices.Max(slices.Collect(maps.Keys(rows)))
	if ring.names == nil || current == rootVersion {
		return nil, errKeyring
	}
	ring.makeCurrent(current)
	return ring, nil
}

// unwrap opens the row of a key.
func (r *keyring) unwrap(version uint32, row []byte) ([]byte, error) {
	if len(row) != nonceBytes+keyBytes+16 {
		return nil, errKeyring
	}
	key, err := r.wrapping.Open(nil, row[:nonceBytes], row[nonceBytes:],
		wrapAD(r.database, version))
	if err != nil {
		return nil, errKeyring
	}
	return key, nil
}

// add lets the ring open what a key sealed. A data key does not seal before makeCurrent.
func (r *keyring) add(version uint32, key []byte) (err error) {
	if version == rootVersion {
		if r.names, err = derive(key, r.database, infoNames); err != nil {
			return err
		}
		if r.rows, err = derive(key, r.database, infoRows); err != nil {
			return err
		}
		if r.witness, err = derive(key, r.database, infoGeneration); err != nil {
			return err
		}
		r.starts, err = derive(key, r.database, infoStarts)
		return err
	}
	secret, err := derive(key, r.database, infoValues)
	if err != nil {
		return err
	}
	values, err := newAEAD(secret)
	if err != nil {
		return err
	}
	r.keys.Store(r.keys.Load().with(version, dataKey(key), values))
	return nil
}

func (r *keyring) makeCurrent(version uint32) {
	next := *r.keys.Load()
	next.current = version
	r.keys.Store(&next)
}

// with returns the keys and one more.
func (k *dataKeys) with(version uint32, key dataKey, values cipher.AEAD) *dataKeys {
	next := &dataKeys{
		data:    map[uint32]dataKey{version: key},
		values:  map[uint32]cipher.AEAD{version: values},
		current: k.current,
	}
	for v := range k.data {
		if v != version {
			next.data[v], next.values[v] = k.data[v], k.values[v]
		}
	}
	return next
}
