package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/format"
)

// What the derived keys are for; each is the info of an HKDF-SHA256 whose salt is the database id.
const (
	infoMark   = "gusty 1 kek mark"
	infoWrap   = "gusty 1 wrap"
	infoNames  = "gusty 1 names"
	infoRows   = "gusty 1 row hashes"
	infoValues = "gusty 1 values"
	InfoOutput = "gusty 1 output"

	infoGeneration = "gusty 1 generation"
	infoStarts     = "gusty 1 starts"
)

// RootVersion is the number of the key that hides names and hashes rows. It is never changed, since
// all keys of rows hang on it; the data keys are numbered from 1 on.
const RootVersion = 0

var ErrKeyring = errors.New("its keys do not open")

func derive(secret []byte, database [16]byte, info string) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, secret, database[:], info, KeyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return k, nil
}

func NewAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// kekMark is a hash of the key-encryption key that tells nothing of it but whether it is the right
// one.
func kekMark(kek Key, database [16]byte) (mark [8]byte) {
	k, err := derive(kek[:], database, infoMark)
	if err == nil {
		copy(mark[:], k)
	}
	return mark
}

// wrapAD is the associated data of a wrapped key.
func wrapAD(database [16]byte, version uint32) []byte {
	b := append([]byte(infoWrap), 0)
	b = binary.BigEndian.AppendUint16(b, SealVersion)
	b = append(b, database[:]...)
	return binary.BigEndian.AppendUint32(b, version)
}

// NewWrapping returns the cipher that a key-encryption key wraps the keys of a database with.
func NewWrapping(kek Key, database [16]byte) (cipher.AEAD, error) {
	wrapping, err := derive(kek[:], database, infoWrap)
	if err != nil {
		return nil, err
	}
	return NewAEAD(wrapping)
}

// WrapKey returns the row of a key: nonce, sealed key.
func WrapKey(wrapping cipher.AEAD, database [16]byte, version uint32, key []byte) ([]byte, error) {
	nonce := make([]byte, format.NonceBytes, format.NonceBytes+KeyBytes+16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	return wrapping.Seal(nonce, nonce, key, wrapAD(database, version)), nil
}

// AddKey makes a key and puts its row into the bucket of keys.
func AddKey(keys *bolt.Bucket, wrapping cipher.AEAD, database [16]byte,
	version uint32,
) (key dataKey, err error) {
	if _, err := rand.Read(key[:]); err != nil {
		return key, fmt.Errorf("make a key: %w", err)
	}
	row, err := WrapKey(wrapping, database, version, key[:])
	if err != nil {
		return key, err
	}
	if err := keys.Put(KeyRow(version), row); err != nil {
		return key, fmt.Errorf("store a key: %w", err)
	}
	return key, nil
}

func KeyRow(version uint32) []byte { return binary.BigEndian.AppendUint32(nil, version) }

// MakeKeys fills the bucket of keys with a root key and the first data key.
func MakeKeys(keys *bolt.Bucket, kek Key, database [16]byte) error {
	wrapping, err := NewWrapping(kek, database)
	if err != nil {
		return err
	}
	_, rootErr := AddKey(keys, wrapping, database, RootVersion)
	_, dataErr := AddKey(keys, wrapping, database, RootVersion+1)
	return errors.Join(rootErr, dataErr)
}
