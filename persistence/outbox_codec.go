package persistence

import (
	"bytes"
	"encoding/binary"

	"gusty/messages"
	"gusty/persistence/internal/format"
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

func deadKey(id format.RunKey) []byte { return append([]byte{deadPrefix}, id[:]...) }

func encodeDocument(e *format.Encoder, d *messages.Document) {
	e.Text(documentID, d.ID)
	e.Uint(documentClass, uint64(d.Class))
	e.Text(documentIndex, d.Index)
	e.Time(documentQueuedAt, d.QueuedAt)
	e.Bytes(documentBody, d.Body)
	if ref := d.Output; ref != nil {
		e.Text(documentRunID, ref.RunID)
		e.Uint(documentStream, uint64(ref.Stream))
		e.Int(documentFrom, ref.From)
		e.Int(documentTo, ref.To)
		for _, secret := range ref.Secrets {
			e.Text(documentSecret, secret.Reveal())
		}
	}
}

func encodeDead(e *format.Encoder, l *messages.DeadLetter) {
	encodeDocument(e, &l.Document)
	e.Uint(documentStatus, uint64(l.Status))
	e.Text(documentReason, l.Reason)
	e.Time(documentRefusedAt, l.At)
}

func decodeDead(record []byte) (l messages.DeadLetter, err error) {
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case documentStatus:
			l.Status = int(d.Uint())
		case documentReason:
			l.Reason = d.Text()
		case documentRefusedAt:
			l.At = d.Time()
		}
	}
	if d.Err != nil {
		return l, d.Err
	}
	l.Document, err = decodeDocument(record)
	l.Document.Body = bytes.Clone(l.Document.Body)
	return l, err
}

// decodeDocument returns a document whose body lies in the record.
func decodeDocument(record []byte) (doc messages.Document, err error) {
	d := format.Decoder{Rest: record}
	var ref messages.OutputRef
	for d.Next() {
		switch d.Number {
		case documentID:
			doc.ID = d.Text()
		case documentClass:
			doc.Class = messages.DocumentClass(d.Uint())
		case documentIndex:
			doc.Index = d.Text()
		case documentQueuedAt:
			doc.QueuedAt = d.Time()
		case documentBody:
			doc.Body = d.Data
		default:
			decodeOutputRef(&d, &ref)
		}
	}
	if ref.RunID != "" {
		doc.Output = &ref
	}
	return doc, d.Err
}

// decodeOutputRef reads a field of the output that a document stands for.
func decodeOutputRef(d *format.Decoder, ref *messages.OutputRef) {
	switch d.Number {
	case documentRunID:
		ref.RunID = d.Text()
	case documentStream:
		ref.Stream = messages.Stream(d.Uint())
	case documentFrom:
		ref.From = d.Int()
	case documentTo:
		ref.To = d.Int()
	case documentSecret:
		ref.Secrets = append(ref.Secrets, messages.Secret(d.Text()))
	}
}
