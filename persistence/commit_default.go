//go:build !faults

package persistence

import bolt "go.etcd.io/bbolt"

// commitAsBuilt commits.
func commitAsBuilt(tx *bolt.Tx) error { return tx.Commit() }
