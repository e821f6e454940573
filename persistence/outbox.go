package persistence

import (
	"encoding/binary"

	"gusty/messages"
)

// The fields of a document's record. Its key is its sequence, 8 bytes, most significant first.
const (
	documentID       = 1
	documentClass    = 2
	documentIndex    = 3
	documentQueuedAt = 4
	documentBody     = 5
	documentRunID    = 6 // 6 to 9 only where the message lies in a run's output
	documentStream   = 7
	documentFrom     = 8
	documentTo       = 9
)

func encodeDocument(e *encoder, d *messages.Document) {
	e.text(documentID, d.ID)
	e.uint(documentClass, uint64(d.Class))
	e.text(documentIndex, d.Index)
	e.time(documentQueuedAt, d.QueuedAt)
	e.bytes(documentBody, d.Body)
	if ref := d.Output; ref != nil {
		e.text(documentRunID, ref.RunID)
		e.uint(documentStream, uint64(ref.Stream))
		e.int(documentFrom, ref.From)
		e.int(documentTo, ref.To)
	}
}

func decodeDocument(record []byte) (doc messages.Document, err error) {
	d := decoder{rest: record}
	var ref messages.OutputRef
	for d.next() {
		switch d.number {
		case documentID:
			doc.ID = d.text()
		case documentClass:
			doc.Class = messages.DocumentClass(d.uint())
		case documentIndex:
			doc.Index = d.text()
		case documentQueuedAt:
			doc.QueuedAt = d.time()
		case documentBody:
			doc.Body = d.bytes()
		case documentRunID:
			ref.RunID = d.text()
		case documentStream:
			ref.Stream = messages.Stream(d.uint())
		case documentFrom:
			ref.From = d.int()
		case documentTo:
			ref.To = d.int()
		}
	}
	if ref.RunID != "" {
		doc.Output = &ref
	}
	return doc, d.err
}

// putDocument appends a document under the next sequence.
func (w *writer) putDocument(row *messages.DocumentRow) error {
	w.ledger.lastDocument++
	w.ledger.outboxBytes += uint64(len(row.Document.Body))
	e := w.fresh()
	encodeDocument(e, &row.Document)
	return w.put(bucketOutbox, binary.BigEndian.AppendUint64(nil, w.ledger.lastDocument), e.buf)
}

// Outbox gives what waits. Bytes counts the documents' bodies. State and LastError are the shipper's to fill in.
func (s *Store) Outbox() (standing messages.OutboxStanding, err error) {
	_, err = s.view(func(r *reader) error {
		l, err := readLedger(r)
		if err != nil {
			return damagedRow(bucketOutbox)
		}
		standing = messages.OutboxStanding{
			Waiting: l.digests[bucketOutbox].rows, Bytes: l.outboxBytes,
			Shipped: l.shipped, Refused: l.refused, Dropped: l.dropped,
		}
		key, sealed := r.bucket(bucketOutbox).Cursor().First()
		if key == nil {
			return nil
		}
		doc, err := r.document(key, sealed)
		standing.OldestAt = doc.QueuedAt
		return err
	})
	return standing, err
}

// Documents gives up to limit documents with a sequence above after, oldest first.
func (s *Store) Documents(after uint64, limit int, each func(messages.Document) error) error {
	_, err := s.view(func(r *reader) error {
		c := r.bucket(bucketOutbox).Cursor()
		key, sealed := c.Seek(binary.BigEndian.AppendUint64(nil, after+1))
		for ; key != nil && limit > 0; key, sealed = c.Next() {
			doc, err := r.document(key, sealed)
			if err != nil {
				return err
			}
			if err := each(doc); err != nil {
				return err
			}
			limit--
		}
		return nil
	})
	return err
}

func (r *reader) document(key, sealed []byte) (messages.Document, error) {
	record, err := r.record(bucketOutbox, key, sealed)
	if err != nil {
		return messages.Document{}, err
	}
	doc, err := decodeDocument(record)
	if err != nil || len(key) != 8 {
		return doc, damagedRow(bucketOutbox)
	}
	doc.Sequence = binary.BigEndian.Uint64(key)
	return doc, nil
}
