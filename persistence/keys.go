package persistence

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// What the derived keys are for; each is the info of an HKDF-SHA256 whose salt is the database id.
const (
	infoMark   = "gusty 1 kek mark"
	infoWrap   = "gusty 1 wrap"
	infoNames  = "gusty 1 names"
	infoRows   = "gusty 1 row hashes"
	infoValues = "gusty 1 values"
	infoOutput = "gusty 1 output"

	infoGeneration = "gusty 1 generation"
)

// rootVersion is the number of the key that hides names and hashes rows. It is never changed, since all keys of rows hang on it; the data
// keys are numbered from 1 on.
const rootVersion = 0

const nonceBytes = 12

var errKeyring = errors.New("its keys do not open")

func derive(secret []byte, database [16]byte, info string) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, secret, database[:], info, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return k, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// kekMark is a hash of the key-encryption key that tells nothing of it but whether it is the right one.
func kekMark(kek Key, database [16]byte) (mark [8]byte) {
	k, err := derive(kek[:], database, infoMark)
	if err == nil {
		copy(mark[:], k)
	}
	return mark
}

// keyring holds the opened keys of one database. It is shared by all goroutines: all of it stays as it is, but for the data keys, which are
// replaced as a whole when the committer makes a new one.
type keyring struct {
	database [16]byte
	names    []byte      // key of the keyed hash of names
	rows     []byte      // key of the row hashes
	witness  []byte      // key of the MAC of the generation's file
	wrapping cipher.AEAD // wraps what is in the bucket of keys
	keys     atomic.Pointer[dataKeys]
}

// dataKeys are the data keys by version. It is immutable. A key that the file does not hold any more stays until the process ends: a read
// transaction that began before may still need it.
type dataKeys struct {
	data    map[uint32]dataKey
	values  map[uint32]cipher.AEAD
	current uint32 // seals what is written
}

type dataKey [keyBytes]byte

// wrapAD is the associated data of a wrapped key.
func wrapAD(database [16]byte, version uint32) []byte {
	b := append([]byte(infoWrap), 0)
	b = binary.BigEndian.AppendUint16(b, sealVersion)
	b = append(b, database[:]...)
	return binary.BigEndian.AppendUint32(b, version)
}

// newWrapping gives the cipher that a key-encryption key wraps the keys of a database with.
func newWrapping(kek Key, database [16]byte) (cipher.AEAD, error) {
	wrapping, err := derive(kek[:], database, infoWrap)
	if err != nil {
		return nil, err
	}
	return newAEAD(wrapping)
}

// wrapKey gives the row of a key: nonce, sealed key.
func wrapKey(wrapping cipher.AEAD, database [16]byte, version uint32, key []byte) ([]byte, error) {
	nonce := make([]byte, nonceBytes, nonceBytes+keyBytes+16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	return wrapping.Seal(nonce, nonce, key, wrapAD(database, version)), nil
}

// addKey makes a key and puts its row into the bucket of keys.
func addKey(keys *bolt.Bucket, wrapping cipher.AEAD, database [16]byte, version uint32) (key dataKey, err error) {
	if _, err := rand.Read(key[:]); err != nil {
		return key, fmt.Errorf("make a key: %w", err)
	}
	row, err := wrapKey(wrapping, database, version, key[:])
	if err != nil {
		return key, err
	}
	if err := keys.Put(keyRow(version), row); err != nil {
		return key, fmt.Errorf("store a key: %w", err)
	}
	return key, nil
}

func keyRow(version uint32) []byte { return binary.BigEndian.AppendUint32(nil, version) }

// makeKeys fills the bucket of keys with a root key and the first data key.
func makeKeys(keys *bolt.Bucket, kek Key, database [16]byte) error {
	wrapping, err := newWrapping(kek, database)
	if err != nil {
		return err
	}
	_, rootErr := addKey(keys, wrapping, database, rootVersion)
	_, dataErr := addKey(keys, wrapping, database, rootVersion+1)
	return errors.Join(rootErr, dataErr)
}

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
	key, err := r.wrapping.Open(nil, row[:nonceBytes], row[nonceBytes:], wrapAD(r.database, version))
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
		r.witness, err = derive(key, r.database, infoGeneration)
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

// with gives the keys and one more.
func (k *dataKeys) with(version uint32, key dataKey, values cipher.AEAD) *dataKeys {
	next := &dataKeys{data: map[uint32]dataKey{version: key}, values: map[uint32]cipher.AEAD{version: values}, current: k.current}
	for v := range k.data {
		if v != version {
			next.data[v], next.values[v] = k.data[v], k.values[v]
		}
	}
	return next
}

// nameKeyBytes is the length of a hidden name: 16 bytes of HMAC-SHA256.
const nameKeyBytes = 16

type nameKey [nameKeyBytes]byte

// What a hidden name is a name of. Jobs, their states, their runs and their run lists share one.
const (
	nameOfJob       = "job"
	nameOfParameter = "parameter"
	nameOfUser      = "user"
	nameOfSetting   = "setting"
)

// hide gives the keyed hash that stands for a name in the file.
func (r *keyring) hide(what, name string) (key nameKey) {
	mac := hmac.New(sha256.New, r.names)
	mac.Write([]byte(what))
	mac.Write([]byte{0})
	mac.Write([]byte(name))
	var sum [sha256.Size]byte
	copy(key[:], mac.Sum(sum[:0]))
	return key
}
