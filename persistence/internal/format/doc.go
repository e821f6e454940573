// Package format holds how rows are written: records of numbered fields, the names of the buckets,
// the ledger with a digest of each bucket, and the keys of runs. The package comment of persistence
// lists the format byte by byte.
package format
