//go:build !linux

package boltfile

import bolt "go.etcd.io/bbolt"

// ReleaseMap does nothing where there is no such advice.
func ReleaseMap(*bolt.Tx) error { return nil }
