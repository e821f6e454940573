package persistence

import (
	"bytes"
	"encoding/binary"

	"gusty/messages"
)

// The fields of a document's record.
const (
	documentID        = 1
	documentClass     = 2
	documentIndex     = 3
	documentQueuedAt  = 4
	documentBody      = 5
	documentRunID     = 6 // 6 to 9 and 13 only where the message lies in a run's output
	documentStream    = 7
	documentFrom      = 8
	documentTo        = 9
	documentStatus    = 10 // 10 to 12 only of a dead letter
	documentReason    = 11
	documentRefusedAt = 12
	documentSecret    = 13 // repeated
)

// Keys of the outbox: a waiting document's class and its sequence, 8 bytes, most significant first,
// so that the oldest of a class is found without a scan; or deadPrefix and a dead letter's id.
const deadPrefix = 0xFF

func waitingKey(k messages.DocumentKey) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(k.Class)}, k.Sequence)
}

func deadKey(id runKey) []byte { return append([]byte{deadPrefix}, id[:]...) }

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
		for _, secret := range ref.Secrets {
			e.text(documentSecret, secret.Reveal())
		}
	}
}

func encodeDead(e *encoder, l *messages.DeadLetter) {
	encodeDocument(e, &l.Document)
	e.uint(documentStatus, uint64(l.Status))
	e.text(documentReason, l.Reason)
	e.time(documentRefusedAt, l.At)
}

func decodeDead(record []byte) (l messages.DeadLetter, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case documentStatus:
			l.Status = int(d.uint())
		case documentReason:
			l.Reason = d.text()
		case documentRefusedAt:
			l.At = d.time()
		}
	}
	if d.err != nil {
		return l, d.err
	}
	l.Document, err = decodeDocument(record)
	l.Document.Body = bytes.Clone(l.Document.Body)
	return l, err
}

// decodeDocument returns a document whose body lies in the record.
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
			doc.Body = d.data
		default:
			decodeOutputRef(&d, &ref)
		}
	}
	if ref.RunID != "" {
		doc.Output = &ref
	}
	return doc, d.err
}

// decodeOutputRef reads a field of the output that a document stands for.
func decodeOutputRef(d *decoder, ref *messages.OutputRef) {
	switch d.number {
	case documentRunID:
		ref.RunID = d.text()
	case documentStream:
		ref.Stream = messages.Stream(d.uint())
	case documentFrom:
		ref.From = d.int()
	case documentTo:
		ref.To = d.int()
	case documentSecret:
		ref.Secrets = append(ref.Secrets, messages.Secret(d.text()))
	}
}
