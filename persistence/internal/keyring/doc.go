// Package keyring holds the keys of the store: where the key-encryption key comes from, the data
// keys that it wraps, and the sealing of values with them. What a value is bound to (database, key
// version, bucket and key) is its associated data: see Sealer.
package keyring
