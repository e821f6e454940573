package persistence

import (
	"bytes"

	"gusty/messages"
)

// The fields of the record of agent_version. There is one row: the build that last opened the file for writing.
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

// versionDiffers says whether the stored build is another one than b.
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
