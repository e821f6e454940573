package persistence

import (
	"encoding/binary"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
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
	w.bucket(bucketOutbox).FillPercent = outboxFill
	w.ledger.lastDocument++
	e := w.fresh()
	encodeDocument(e, d)
	w.ledger.outboxBytes += uint64(len(e.buf))
	return w.put(bucketOutbox, waitingKey(messages.DocumentKey{
		Class:    d.Class,
		Sequence: w.ledger.lastDocument,
	}), e.buf)
}

// countDocument adds a row of the outbox to a ledger that is made anew.
func countDocument(l *ledger, key, record []byte) error {
	doc, err := decodeDocument(record)
	switch {
	case err != nil:
		return damagedRow(bucketOutbox)
	case len(key) == 1+len(runKey{}) && key[0] == deadPrefix:
		l.dead++
		l.deadBytes += uint64(len(record))
	case len(key) == 9 && key[0] == byte(doc.Class):
		l.outboxBytes += uint64(len(record))
		l.lastDocument = max(l.lastDocument, sequenceOf(key))
	default:
		return damagedRow(bucketOutbox)
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
			w.ledger.shipped++
		}
	}
	return nil
}

// takeDocument removes a waiting document, and reports whether there was one. Its record is as long
// as its row without the seal.
func (w *writer) takeDocument(key []byte) (there bool, err error) {
	sealed := w.bucket(bucketOutbox).Get(key)
	if sealed == nil {
		return false, nil
	}
	w.ledger.outboxBytes = lessBy(w.ledger.outboxBytes, uint64(len(sealed)-sealedExtra))
	return true, w.remove(bucketOutbox, key)
}

// Outbox returns what waits. Bytes counts the records, as the limit does. Rate, LastError and State
// are the shipper's to fill in.
func (s *Store) Outbox() (standing messages.OutboxStanding, err error) {
	_, err = s.view(func(r *reader) error {
		l, err := readLedger(r)
		if err != nil {
			return damagedRow(bucketOutbox)
		}
		standing = messages.OutboxStanding{
			Waiting: lessBy(l.digests[bucketOutbox].rows, l.dead), Bytes: l.outboxBytes,
			Dead: l.dead, DeadBytes: l.deadBytes,
			Shipped: l.shipped, Refused: l.refused, Dropped: l.dropped, Loss: l.loss.message(),
		}
		standing.OldestAt, err = r.oldestDocument()
		return err
	})
	return standing, err
}

// oldestDocument returns when the first document in the order of sequences was queued.
func (r *reader) oldestDocument() (at time.Time, err error) {
	q := r.waitingAfter(0)
	key, sealed := q.next()
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
		for key, sealed := q.next(); key != nil; key, sealed = q.next() {
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
			if q.rows%releaseEvery == 0 {
				if err := releaseMap(r.tx); err != nil {
					return err
				}
			}
		}
		return releaseMap(r.tx)
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
		h := waitingHead{cursor: r.bucket(bucketOutbox).Cursor(), class: byte(class)}
		h.take(h.cursor.Seek(waitingKey(messages.DocumentKey{Class: class, Sequence: after + 1})))
		q.heads = append(q.heads, h)
	}
	return q
}

func (h *waitingHead) take(key, sealed []byte) {
	if len(key) == 0 || key[0] != h.class {
		key, sealed = nil, nil
	}
	h.key, h.sealed = key, sealed
}

// next returns the row with the lowest sequence; a nil key at the end.
func (q *waiting) next() (key, sealed []byte) {
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
	first.take(first.cursor.Next())
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
	record, err := r.record(bucketOutbox, key, sealed)
	if err != nil {
		return messages.Document{}, err
	}
	doc, err := decodeDocument(record)
	if err != nil || len(key) != 9 || key[0] != byte(doc.Class) {
		return doc, damagedRow(bucketOutbox)
	}
	doc.Sequence = sequenceOf(key)
	return doc, nil
}
