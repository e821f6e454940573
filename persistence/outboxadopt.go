package persistence

import (
	"bytes"

	"gusty/messages"
)

// Earlier versions kept a waiting document under its sequence alone, and counted the bytes of bodies. adoptOutbox brings such rows under the keys of
// today. They are few: what could not be shipped yet, within the outbox's limit.
func (s *Store) adoptOutbox() error {
	old := false
	_, err := s.view(func(r *reader) error {
		key, _ := r.bucket(bucketOutbox).Cursor().First()
		old = isOldKey(key)
		return nil
	})
	if err != nil || !old {
		return err
	}
	_, err = s.write((*writer).adoptOutbox)
	if code, full := storageCode(err); full {
		s.logger.Warn("documents of an earlier version wait until the disk takes writes at a start", "code", string(code))
		return nil
	}
	return err
}

// isOldKey tells a sequence alone: no class is 0, and no sequence has reached its highest byte.
func isOldKey(key []byte) bool { return len(key) == 8 && key[0] == 0 }

func (w *writer) adoptOutbox() error {
	for {
		key, sealed := w.bucket(bucketOutbox).Cursor().First()
		if !isOldKey(key) {
			return nil
		}
		if err := w.adoptDocument(bytes.Clone(key), sealed); err != nil {
			return err
		}
	}
}

func (w *writer) adoptDocument(key, sealed []byte) error {
	record, err := w.record(bucketOutbox, key, sealed)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(record)
	if err != nil {
		return damagedRow(bucketOutbox)
	}
	if checkDocument(&doc) != nil {
		doc.Class = messages.DocumentLog // what has no class is missed least
	}
	w.ledger.outboxBytes -= min(uint64(len(doc.Body)), w.ledger.outboxBytes)
	e := w.fresh()
	encodeDocument(e, &doc)
	w.ledger.outboxBytes += uint64(len(e.buf))
	sequence := append([]byte{byte(doc.Class)}, key...)
	if err := w.put(bucketOutbox, sequence, e.buf); err != nil {
		return err
	}
	return w.remove(bucketOutbox, key)
}
