package persistence

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
)

// The fields of the record of node_app_details: its columns. The key is a sequence of 8 bytes, most
// significant first.
const (
	appUser     = 1
	appPassword = 2
	appEndpoint = 3
	appPurpose  = 4
)

func encodeApp(e *encoder, a *messages.AppRow) {
	e.text(appUser, a.User)
	e.text(appPassword, a.Password.Reveal())
	e.text(appEndpoint, a.Endpoint)
	e.text(appPurpose, a.Purpose)
}

func decodeApp(record []byte) (a messages.AppRow, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case appUser:
			a.User = d.text()
		case appPassword:
			a.Password = messages.Secret(d.text())
		case appEndpoint:
			a.Endpoint = d.text()
		case appPurpose:
			a.Purpose = d.text()
		}
	}
	return a, d.err
}

// nextSequence returns the key behind a bucket's last one.
func nextSequence(b *bolt.Bucket) []byte {
	last, _ := b.Cursor().Last()
	if len(last) != 8 {
		return binary.BigEndian.AppendUint64(nil, 1)
	}
	return binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(last)+1)
}
