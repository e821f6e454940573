package persistence

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// Format 1 kept a waiting document under its sequence alone, and counted the bytes of bodies.
// migrateOutbox brings such rows under the keys of format 2.
func migrateOutbox(tx *bolt.Tx, h *keyring.Header, kek keyring.Key) error {
	ring, err := keyring.OpenKeyring(tx, kek, h.Database)
	if err != nil {
		return err
	}
	w := &writer{reader: *newReader(tx, ring), hasher: format.NewRowHasher(ring.Rows)}
	if w.ledger, err = readLedger(&w.reader); err != nil {
		return err
	}
	if err := w.adoptOutbox(); err != nil {
		return err
	}
	return w.putLedger()
}

// isOldKey tells a sequence alone: no class is 0, and no sequence has reached its highest byte.
func isOldKey(key []byte) bool { return len(key) == 8 && key[0] == 0 }

// adoptOutbox moves the rows that format 1 wrote. It seeks each one from where the last was, since
// bbolt keeps the pages that became empty until the transaction ends, and the first of all would be
// looked for behind ever more of them.
func (w *writer) adoptOutbox() error {
	key, sealed := w.bucket(format.BucketOutbox).Cursor().First()
	for isOldKey(key) {
		last := bytes.Clone(key)
		if err := w.adoptDocument(last, sealed); err != nil {
			return err
		}
		key, sealed = w.bucket(format.BucketOutbox).Cursor().Seek(last)
	}
	return nil
}

func (w *writer) adoptDocument(key, sealed []byte) error {
	record, err := w.record(format.BucketOutbox, key, sealed)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(record)
	if err != nil {
		return format.DamagedRow(format.BucketOutbox)
	}
	if checkDocument(&doc) != nil {
		doc.Class = messages.DocumentLog // what has no class is missed least
	}
	e := w.fresh()
	encodeDocument(e, &doc)
	w.ledger.OutboxBytes = format.LessBy(w.ledger.OutboxBytes, uint64(len(doc.Body))) +
		uint64(len(e.Buf))
	if err := w.Put(format.BucketOutbox, append([]byte{byte(doc.Class)}, key...),
		e.Buf); err != nil {
		return err
	}
	return w.Remove(format.BucketOutbox, key)
}
