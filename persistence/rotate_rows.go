package persistence

import (
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// When a data key has sealed this many values a new one takes its place by itself: a quarter of the
// 2^32 that random nonces are good for (NIST SP 800-38D, 8.3). Nothing is sealed with a key that
// comes near those.
const (
	rotateAfterSeals = 1 << 30
	maxSeals         = 1<<32 - 1<<20
)

// What one transaction of a rotation does at most, so that no other waits long for it. The number
// of rows is halved, down to the least, where a transaction takes longer than it should, and
// doubled where it takes less than half of that.
const (
	resealWithin = 8 * time.Millisecond
	leastRows    = 16
	resealRows   = 256
	resealBytes  = 512 << 10
	resealLookAt = 4096 // rows
)

var (
	errKeyUsedUp = errors.New(
		"the data key has sealed as many values as it may; restart the agent")
	errOldRowsLeft = errors.New("rows that an old data key sealed are counted, and there are none")
)

// beginRotation makes a data key, which seals from this transaction on. The caller makes it current
// when that is durable.
func (w *writer) beginRotation(now time.Time) (version uint32, err error) {
	version = w.Ring.Keys.Load().Current + 1
	key, err := keyring.AddKey(w.tx.Bucket([]byte(format.NameKeys)), w.Ring.Wrapping,
		w.Ring.Database, version)
	if err != nil {
		return 0, err
	}
	if err := w.Ring.Add(version, key[:]); err != nil {
		return 0, err
	}
	rows := w.ledger.SealedRows()
	w.Sealing, w.ledger.Seals = version, 0
	w.ledger.Rotation = format.Rotation{Rows: rows, Old: rows, Began: now}
	return version, nil
}

// isOld reports whether a value is sealed with an older key than the one that seals now.
func (w *writer) isOld(b format.BucketID, value []byte) bool {
	if b.IsOrder() || w.ledger.Rotation.Old == 0 || len(value) < format.SealedExtra {
		return false
	}
	return binary.BigEndian.Uint32(value) < max(w.Sealing, w.Ring.Keys.Load().Current)
}

// oldRow is a row that is about to be sealed anew.
type oldRow struct{ key, sealed []byte }

// reseal seals the next rows anew, at most so many.
func (w *writer) reseal(most int) error {
	r := &w.ledger.Rotation
	if r.Bucket >= format.BucketCount {
		return errOldRowsLeft
	}
	rows, ended := w.nextOld(r, most)
	for _, row := range rows {
		record, err := w.record(r.Bucket, row.key, row.sealed)
		if err != nil {
			return err
		}
		if err := w.Put(r.Bucket, row.key, record); err != nil {
			return err
		}
	}
	if ended {
		r.Bucket, r.Key = r.Bucket+1, nil
	}
	return nil
}

// nextOld returns rows of the rotation's bucket from its key on, moves the key behind them, and
// reports whether they are the last of the bucket.
func (w *writer) nextOld(r *format.Rotation, most int) (rows []oldRow, ended bool) {
	if r.Bucket.IsOrder() {
		return nil, true
	}
	c := w.bucket(r.Bucket).Cursor()
	bytes := 0
	key, sealed := seekBehind(c, r.Key)
	for looked := 0; key != nil; key, sealed = c.Next() {
		if looked++; looked > resealLookAt || len(rows) == most || bytes > resealBytes {
			return rows, false
		}
		r.Key = append([]byte(nil), key...)
		if w.isOld(r.Bucket, sealed) {
			rows = append(rows, oldRow{r.Key, sealed})
			bytes += len(sealed)
		}
	}
	return rows, true
}

// seekBehind returns the first element behind key, or of all where key is empty.
func seekBehind(c *bolt.Cursor, key []byte) (k, v []byte) {
	if len(key) == 0 {
		return c.First()
	}
	if k, v = c.Seek(key); string(k) == string(key) {
		return c.Next()
	}
	return k, v
}

// keyVersions returns the versions of the data keys that the file holds, in order.
func (r *reader) keyVersions() (versions []uint32) {
	c := r.tx.Bucket([]byte(format.NameKeys)).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if v := binary.BigEndian.Uint32(k); v != keyring.RootVersion {
			versions = append(versions, v)
		}
	}
	return versions
}

// dropOldKeys deletes all data keys but the current one, with which everything is sealed.
func (w *writer) dropOldKeys() error {
	if w.ledger.Rotation.Old != 0 {
		return errOldRowsLeft
	}
	versions := w.keyVersions()
	for _, v := range versions[:len(versions)-1] {
		if err := w.tx.Bucket([]byte(format.NameKeys)).Delete(keyring.KeyRow(v)); err != nil {
			return err
		}
	}
	w.ledger.Rotation = format.Rotation{}
	return nil
}
