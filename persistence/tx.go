package persistence

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// reader is one transaction's view of the sealed rows. It belongs to one goroutine.
type reader struct {
	tx *bolt.Tx
	keyring.Sealer
	buckets [format.BucketCount]*bolt.Bucket
	hidden  hiddenName // the last one
}

func newReader(tx *bolt.Tx, ring *keyring.Keyring) *reader {
	return &reader{tx: tx, Sealer: keyring.Sealer{Ring: ring}}
}

func (r *reader) bucket(b format.BucketID) *bolt.Bucket {
	if r.buckets[b] == nil {
		r.buckets[b] = r.tx.Bucket([]byte(b.String()))
	}
	return r.buckets[b]
}

// get returns the record of a row, valid until the next one is opened; nil where there is no such
// row.
func (r *reader) get(b format.BucketID, key []byte) ([]byte, error) {
	sealed := r.bucket(b).Get(key)
	if sealed == nil {
		return nil, nil
	}
	return r.record(b, key, sealed)
}

func (r *reader) record(b format.BucketID, key, sealed []byte) ([]byte, error) {
	plain, err := r.Open(b.String(), key, sealed)
	if err != nil {
		return nil, format.DamagedRow(b)
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}

func (r *reader) has(b format.BucketID, key []byte) bool { return r.bucket(b).Get(key) != nil }

// writer is the committer's transaction: a reader whose changes keep the ledger. Nothing of it is
// valid before commit has succeeded.
type writer struct {
	reader
	ledger  format.Ledger
	hasher  *format.RowHasher
	encoder format.Encoder
	trimmer *trimmer    // nil while the store is being made
	output  string      // directory of the output files
	starts  *startMarks // nil while the store is being made
}

// Put seals a record and stores it.
func (w *writer) Put(b format.BucketID, key, record []byte) error {
	if w.ledger.Seals >= maxSeals {
		return errKeyUsedUp
	}
	sealed, err := w.Seal(b.String(), key, record)
	if err != nil {
		return err
	}
	w.ledger.Seals++
	return w.store(b, key, sealed)
}

// store puts a value as it is, and keeps the bucket's digest.
func (w *writer) store(b format.BucketID, key, value []byte) error {
	bucket := w.bucket(b)
	if old := bucket.Get(key); old != nil {
		w.forget(b, key, old)
	}
	if b == format.BucketRuns {
		w.trimmer.stir()
	}
	w.ledger.Digests[b].Add(w.hasher.Hash(b, key, value))
	if err := bucket.Put(key, value); err != nil {
		return fmt.Errorf("put a row of %s: %w", b, err)
	}
	return nil
}

// Remove deletes a row, if there is one.
func (w *writer) Remove(b format.BucketID, key []byte) error {
	bucket := w.bucket(b)
	old := bucket.Get(key)
	if old == nil {
		return nil
	}
	if b == format.BucketRuns {
		w.trimmer.stir()
	}
	w.forget(b, key, old)
	if err := bucket.Delete(key); err != nil {
		return fmt.Errorf("delete a row of %s: %w", b, err)
	}
	return nil
}

// forget takes a value that is about to go out of the ledger.
func (w *writer) forget(b format.BucketID, key, old []byte) {
	w.ledger.Digests[b].Remove(w.hasher.Hash(b, key, old))
	if w.isOld(b, old) {
		w.ledger.Rotation.Old--
	}
}

// buffers are what the committer's transactions use one after the other: none of them is kept
// beyond its transaction.
type buffers struct{ ad, plain, record []byte }

// keptBuffer is the size up to which a buffer is kept for the next transaction.
const keptBuffer = 64 << 10

func (b *buffers) lend(w *writer) {
	w.Ad, w.Plain, w.encoder.Buf = b.ad, b.plain, b.record
}

func (b *buffers) takeBack(w *writer) {
	*b = buffers{w.Ad, w.Plain, w.encoder.Buf}
	for _, buffer := range []*[]byte{&b.ad, &b.plain, &b.record} {
		if cap(*buffer) > keptBuffer {
			*buffer = nil
		}
	}
}

// fresh returns the writer's encoder, emptied.
func (w *writer) fresh() *format.Encoder {
	w.encoder = format.Encoder{Buf: w.encoder.Buf[:0]}
	return &w.encoder
}

// seal of the ledger itself comes last in every transaction.
func (w *writer) putLedger() error {
	w.ledger.Seals++
	w.ledger.Generation++
	e := w.fresh()
	w.ledger.Append(e)
	sealed, err := w.Seal(format.NameLedger, []byte(format.LedgerKey), e.Buf)
	if err != nil {
		return err
	}
	if err := w.tx.Bucket([]byte(format.NameLedger)).Put([]byte(format.LedgerKey),
		sealed); err != nil {
		return fmt.Errorf("put the ledger: %w", err)
	}
	return nil
}

func readLedger(r *reader) (format.Ledger, error) {
	bucket := r.tx.Bucket([]byte(format.NameLedger))
	if bucket == nil {
		return format.Ledger{}, keyring.ErrSeal
	}
	record, err := r.Open(format.NameLedger, []byte(format.LedgerKey),
		bucket.Get([]byte(format.LedgerKey)))
	if err != nil {
		return format.Ledger{}, err
	}
	return format.ParseLedger(record)
}

// hiddenName is a name with what stands for it.
type hiddenName struct {
	what, name string
	key        format.NameKey
}

// Hide is the keyring's. It remembers the last name, since one change asks for the same one again
// and again.
func (r *reader) Hide(what, name string) format.NameKey {
	if h := &r.hidden; h.what != what || h.name != name {
		*h = hiddenName{what, name, r.Ring.Hide(what, name)}
	}
	return r.hidden.key
}
