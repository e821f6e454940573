package persistence

import (
	"bytes"

	"gusty/messages"
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

func encodeVersion(e *encoder, b messages.Build) {
	e.text(versionVersion, b.Version)
	e.bool(versionValid, true)
	e.text(versionDate, b.Date)
	e.text(versionCommit, b.Commit)
}

// versionDiffers reports whether the stored build is another one than b.
func (r *reader) versionDiffers(b messages.Build) (bool, error) {
	record, err := r.get(bucketVersion, []byte(versionKey))
	if err != nil {
		return false, err
	}
	var e encoder
	encodeVersion(&e, b)
	return !bytes.Equal(record, e.buf), nil
}

func (w *writer) putVersion(b messages.Build) error {
	e := w.fresh()
	encodeVersion(e, b)
	return w.put(bucketVersion, []byte(versionKey), e.buf)
}

// decodeVersion reads a row as it stands in an export.
func decodeVersion(record []byte) (messages.TableRow, error) {
	var row messages.VersionRow
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case versionVersion:
			row.Version = d.text()
		case versionValid:
			row.Valid = messages.Flag(d.bool())
		case versionDate:
			row.BuildDate = d.text()
		}
	}
	return row, d.err
}

// putImportedVersion adds a row that came by an import behind the others.
func (w *writer) putImportedVersion(row *messages.VersionRow) error {
	e := w.fresh()
	e.text(versionVersion, row.Version)
	e.bool(versionValid, row.Valid != 0)
	e.text(versionDate, row.BuildDate)
	return w.put(bucketVersion, nextSequence(w.bucket(bucketVersion)), e.buf)
}
