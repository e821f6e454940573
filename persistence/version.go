package persistence

import (
	"bytes"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/format"
)

// The fields of the record of agent_version. The first row is the build that last opened the file
// for writing; those behind it came by imports.
const (
	versionVersion = 1
	versionValid   = 2
	versionDate    = 3
	versionCommit  = 4
)

// versionKey is the key of that row: the number 1 in 8 bytes, as sequences are written.
const versionKey = "\x00\x00\x00\x00\x00\x00\x00\x01"

func encodeVersion(e *format.Encoder, b messages.Build) {
	e.Text(versionVersion, b.Version)
	e.Bool(versionValid, true)
	e.Text(versionDate, b.Date)
	e.Text(versionCommit, b.Commit)
}

// versionDiffers reports whether the stored build is another one than b.
func (r *reader) versionDiffers(b messages.Build) (bool, error) {
	record, err := r.get(format.BucketVersion, []byte(versionKey))
	if err != nil {
		return false, err
	}
	var e format.Encoder
	encodeVersion(&e, b)
	return !bytes.Equal(record, e.Buf), nil
}

func (w *writer) putVersion(b messages.Build) error {
	e := w.fresh()
	encodeVersion(e, b)
	return w.Put(format.BucketVersion, []byte(versionKey), e.Buf)
}

// decodeVersion reads a row as it stands in an export.
func decodeVersion(record []byte) (table.TableRow, error) {
	var row messages.VersionRow
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case versionVersion:
			row.Version = d.Text()
		case versionValid:
			row.Valid = table.Flag(d.Bool())
		case versionDate:
			row.BuildDate = d.Text()
		}
	}
	return row, d.Err
}

// putImportedVersion adds a row that came by an import behind the others.
func (w *writer) putImportedVersion(row *messages.VersionRow) error {
	e := w.fresh()
	e.Text(versionVersion, row.Version)
	e.Bool(versionValid, row.Valid != 0)
	e.Text(versionDate, row.BuildDate)
	return w.Put(format.BucketVersion, nextSequence(w.bucket(format.BucketVersion)), e.Buf)
}
