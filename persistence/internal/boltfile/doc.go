// Package boltfile reads and writes the pages of bbolt's file format by itself, without mapping the
// file: what verifies, salvages or compacts a damaged or foreign file must not fault on it. The
// format is that of go.etcd.io/bbolt (its page.go, meta.go and freelist.go).
package boltfile
