package persistence

import (
	"encoding/binary"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
)

func checkDocument(d *messages.Document) error {
	if !slices.Contains(messages.DocumentClasses(), d.Class) {
		return messages.Invalidf("class", "%d is no class of a document", d.Class)
	}
	return nil
}

// putDocument appends a document under the next sequence, and makes room.
func (w *writer) putDocument(row *messages.DocumentRow) error {
	if err := w.appendDocument(&row.Document); err != nil {
		return err
	}
	return w.makeRoom(row.LimitBytes)
}

// outboxFill is how full the pages of the outbox are made: its keys only ever grow within a class,
// so that nothing comes between two of them. It halves the file of a full outbox, and what bbolt
// keeps in memory of the pages that are free after it was drained.
const outboxFill = 0.95

func (w *writer) appendDocument(d *messages.Document) error {
	w.bucket(format.BucketOutbox).FillPercent = outboxFill
	w.ledger.LastDocument++
	e := w.fresh()
	encodeDocument(e, d)
	w.ledger.OutboxBytes += uint64(len(e.Buf))
	return w.Put(format.BucketOutbox, waitingKey(messages.DocumentKey{
		Class:    d.Class,
		Sequence: w.ledger.LastDocument,
	}), e.Buf)
}

// countDocument adds a row of the outbox to a ledger that is made anew.
func countDocument(l *format.Ledger, key, record []byte) error {
	doc, err := decodeDocument(record)
	switch {
	case err != nil:
		return format.DamagedRow(format.BucketOutbox)
	case len(key) == 1+len(format.RunKey{}) && key[0] == deadPrefix:
		l.Dead++
		l.DeadBytes += uint64(len(record))
	case len(key) == 9 && key[0] == byte(doc.Class):
		l.OutboxBytes += uint64(len(record))
		l.LastDocument = max(l.LastDocument, sequenceOf(key))
	default:
		return format.DamagedRow(format.BucketOutbox)
	}
	return nil
}

// shipDocuments takes out what OpenSearch has.
func (w *writer) shipDocuments(row *messages.DocumentsShipped) error {
	for _, key := range row.Keys {
		there, err := w.takeDocument(waitingKey(key))
		if err != nil {
			return err
		}
		if there {
			w.ledger.Shipped++
		}
	}
	return nil
}

// takeDocument removes a waiting document, and reports whether there was one. Its record is as long
// as its row without the seal.
func (w *writer) takeDocument(key []byte) (there bool, err error) {
	sealed := w.bucket(format.BucketOutbox).Get(key)
	if sealed == nil {
		return false, nil
	}
	w.ledger.OutboxBytes = format.LessBy(w.ledger.OutboxBytes,
		uint64(len(sealed)-format.SealedExtra))
	return true, w.Remove(format.BucketOutbox, key)
}

// Outbox returns what waits. Bytes counts the records, as the limit does. Rate, LastError and State
// are the shipper's to fill in.
func (s *Store) Outbox() (standing messages.OutboxStanding, err error) {
	_, err = s.view(func(r *reader) error {
		l, err := readLedger(r)
		if err != nil {
			return format.DamagedRow(format.BucketOutbox)
		}
		standing = messages.OutboxStanding{
			Waiting: format.LessBy(l.Digests[format.BucketOutbox].Rows, l.Dead),
			Bytes:   l.OutboxBytes,
			Dead:    l.Dead, DeadBytes: l.DeadBytes,
			Shipped: l.Shipped, Refused: l.Refused, Dropped: l.Dropped, Loss: l.Loss.Message(),
		}
		standing.OldestAt, err = r.oldestDocument()
		return err
	})
	return standing, err
}

// oldestDocument returns when the first document in the order of sequences was queued.
func (r *reader) oldestDocument() (at time.Time, err error) {
	q := r.waitingAfter(0)
	key, sealed := q.Next()
	if key == nil {
		return at, nil
	}
	doc, err := r.document(key, sealed)
	return doc.QueuedAt, err
}

// Documents returns the waiting documents with a sequence above after, oldest first, until each
// says that it has enough. A document's body is valid only during the call. It gives the map's
// pages back at its end.
func (s *Store) Documents(after uint64, each func(messages.Document) (more bool, err error)) error {
	_, err := s.view(func(r *reader) error {
		q := r.waitingAfter(after)
		for key, sealed := q.Next(); key != nil; key, sealed = q.Next() {
			doc, err := r.document(key, sealed)
			if err != nil {
				return err
			}
			more, err := each(doc)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if q.rows%boltfile.ReleaseEvery == 0 {
				if err := boltfile.ReleaseMap(r.tx); err != nil {
					return err
				}
			}
		}
		return boltfile.ReleaseMap(r.tx)
	})
	return err
}

// waiting merges the classes into the order of their sequences.
type waiting struct {
	heads []waitingHead
	rows  int
}

type waitingHead struct {
	cursor      *bolt.Cursor
	class       byte
	key, sealed []byte // nil: no more of this class
}

func (r *reader) waitingAfter(after uint64) *waiting {
	q := &waiting{}
	for _, class := range messages.DocumentClasses() {
		h := waitingHead{cursor: r.bucket(format.BucketOutbox).Cursor(), class: byte(class)}
		h.Take(h.cursor.Seek(waitingKey(messages.DocumentKey{Class: class, Sequence: after + 1})))
		q.heads = append(q.heads, h)
	}
	return q
}

func (h *waitingHead) Take(key, sealed []byte) {
	if len(key) == 0 || key[0] != h.class {
		key, sealed = nil, nil
	}
	h.key, h.sealed = key, sealed
}

// Next returns the row with the lowest sequence; a nil key at the end.
func (q *waiting) Next() (key, sealed []byte) {
	var first *waitingHead
	for i := range q.heads {
		h := &q.heads[i]
		if h.key != nil && (first == nil || sequenceOf(h.key) < sequenceOf(first.key)) {
			first = h
		}
	}
	if first == nil {
		return nil, nil
	}
	key, sealed = first.key, first.sealed
	first.Take(first.cursor.Next())
	q.rows++
	return key, sealed
}

func sequenceOf(key []byte) uint64 {
	if len(key) != 9 {
		return 0 // document says that the row is damaged
	}
	return binary.BigEndian.Uint64(key[1:])
}

func (r *reader) document(key, sealed []byte) (messages.Document, error) {
	record, err := r.record(format.BucketOutbox, key, sealed)
	if err != nil {
		return messages.Document{}, err
	}
	doc, err := decodeDocument(record)
	if err != nil || len(key) != 9 || key[0] != byte(doc.Class) {
		return doc, format.DamagedRow(format.BucketOutbox)
	}
	doc.Sequence = sequenceOf(key)
	return doc, nil
}
