package persistence

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// reader is one transaction's view of the sealed rows. It belongs to one goroutine.
type reader struct {
	tx *bolt.Tx
	sealer
	buckets [bucketCount]*bolt.Bucket
	hidden  hiddenName // the last one
}

func newReader(tx *bolt.Tx, ring *keyring) *reader {
	return &reader{tx: tx, sealer: sealer{ring: ring}}
}

func (r *reader) bucket(b bucketID) *bolt.Bucket {
	if r.buckets[b] == nil {
		r.buckets[b] = r.tx.Bucket([]byte(b.String()))
	}
	return r.buckets[b]
}

// get returns the record of a row, valid until the next one is opened; nil where there is no such
// row.
func (r *reader) get(b bucketID, key []byte) ([]byte, error) {
	sealed := r.bucket(b).Get(key)
	if sealed == nil {
		return nil, nil
	}
	return r.record(b, key, sealed)
}

func (r *reader) record(b bucketID, key, sealed []byte) ([]byte, error) {
	plain, err := r.open(b.String(), key, sealed)
	if err != nil {
		return nil, damagedRow(b)
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}

func (r *reader) has(b bucketID, key []byte) bool { return r.bucket(b).Get(key) != nil }

// writer is the committer's transaction: a reader whose changes keep the ledger. Nothing of it is
// valid before commit has succeeded.
type writer struct {
	reader
	ledger  ledger
	hasher  *rowHasher
	encoder encoder
	trimmer *trimmer    // nil while the store is being made
	output  string      // directory of the output files
	starts  *startMarks // nil while the store is being made
}

// put seals a record and stores it.
func (w *writer) put(b bucketID, key, record []byte) error {
	if w.ledger.seals >= maxSeals {
		return errKeyUsedUp
	}
	sealed, err := w.seal(b.String(), key, record)
	if err != nil {
		return err
	}
	w.ledger.seals++
	return w.store(b, key, sealed)
}

// store puts a value as it is, and keeps the bucket's digest.
func (w *writer) store(b bucketID, key, value []byte) error {
	bucket := w.bucket(b)
	if old := bucket.Get(key); old != nil {
		w.forget(b, key, old)
	}
	if b == bucketRuns {
		w.trimmer.stir()
	}
	w.ledger.digests[b].add(w.hasher.hash(b, key, value))
	if err := bucket.Put(key, value); err != nil {
		return fmt.Errorf("put a row of %s: %w", b, err)
	}
	return nil
}

// remove deletes a row, if there is one.
func (w *writer) remove(b bucketID, key []byte) error {
	bucket := w.bucket(b)
	old := bucket.Get(key)
	if old == nil {
		return nil
	}
	if b == bucketRuns {
		w.trimmer.stir()
	}
	w.forget(b, key, old)
	if err := bucket.Delete(key); err != nil {
		return fmt.Errorf("delete a row of %s: %w", b, err)
	}
	return nil
}

// forget takes a value that is about to go out of the ledger.
func (w *writer) forget(b bucketID, key, old []byte) {
	w.ledger.digests[b].remove(w.hasher.hash(b, key, old))
	if w.isOld(b, old) {
		w.ledger.rotation.old--
	}
}

// buffers are what the committer's transactions use one after the other: none of them is kept
// beyond its transaction.
type buffers struct{ ad, plain, record []byte }

// keptBuffer is the size up to which a buffer is kept for the next transaction.
const keptBuffer = 64 << 10

func (b *buffers) lend(w *writer) {
	w.ad, w.plain, w.encoder.buf = b.ad, b.plain, b.record
}

func (b *buffers) takeBack(w *writer) {
	*b = buffers{w.ad, w.plain, w.encoder.buf}
	for _, buffer := range []*[]byte{&b.ad, &b.plain, &b.record} {
		if cap(*buffer) > keptBuffer {
			*buffer = nil
		}
	}
}

// fresh returns the writer's encoder, emptied.
func (w *writer) fresh() *encoder {
	w.encoder = encoder{buf: w.encoder.buf[:0]}
	return &w.encoder
}

// seal of the ledger itself comes last in every transaction.
func (w *writer) putLedger() error {
	w.ledger.seals++
	w.ledger.generation++
	e := w.fresh()
	w.ledger.append(e)
	sealed, err := w.seal(nameLedger, []byte(ledgerKey), e.buf)
	if err != nil {
		return err
	}
	if err := w.tx.Bucket([]byte(nameLedger)).Put([]byte(ledgerKey), sealed); err != nil {
		return fmt.Errorf("put the ledger: %w", err)
	}
	return nil
}

func readLedger(r *reader) (ledger, error) {
	bucket := r.tx.Bucket([]byte(nameLedger))
	if bucket == nil {
		return ledger{}, errSeal
	}
	record, err := r.open(nameLedger, []byte(ledgerKey), bucket.Get([]byte(ledgerKey)))
	if err != nil {
		return ledger{}, err
	}
	return parseLedger(record)
}

// hiddenName is a name with what stands for it.
type hiddenName struct {
	what, name string
	key        nameKey
}

// hide is the keyring's. It remembers the last name, since one change asks for the same one again
// and again.
func (r *reader) hide(what, name string) nameKey {
	if h := &r.hidden; h.what != what || h.name != name {
		*h = hiddenName{what, name, r.ring.hide(what, name)}
	}
	return r.hidden.key
}
