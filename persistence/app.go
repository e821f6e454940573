package persistence

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// The fields of the record of node_app_details: its columns. The key is a sequence of 8 bytes, most
// significant first.
const (
	appUser     = 1
	appPassword = 2
	appEndpoint = 3
	appPurpose  = 4
)

func encodeApp(e *format.Encoder, a *messages.AppRow) {
	e.Text(appUser, a.User)
	e.Text(appPassword, a.Password.Reveal())
	e.Text(appEndpoint, a.Endpoint)
	e.Text(appPurpose, a.Purpose)
}

func decodeApp(record []byte) (a messages.AppRow, err error) {
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case appUser:
			a.User = d.Text()
		case appPassword:
			a.Password = messages.Secret(d.Text())
		case appEndpoint:
			a.Endpoint = d.Text()
		case appPurpose:
			a.Purpose = d.Text()
		}
	}
	return a, d.Err
}

// nextSequence returns the key behind a bucket's last one.
func nextSequence(b *bolt.Bucket) []byte {
	last, _ := b.Cursor().Last()
	if len(last) != 8 {
		return binary.BigEndian.AppendUint64(nil, 1)
	}
	return binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(last)+1)
}
