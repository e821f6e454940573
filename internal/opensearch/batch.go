package opensearch

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
)

// Batch is the body of one `_bulk` request, gzipped while it is filled. Reset makes it ready for
// the next one and keeps its buffers.
type Batch struct {
	body bytes.Buffer
	zip  *gzip.Writer
	line []byte
	ids  []string
	raw  int
}

// NewBatch makes an empty batch.
func NewBatch() *Batch {
	b := &Batch{}
	b.zip, _ = gzip.NewWriterLevel(&b.body, gzip.BestSpeed) // the level is valid
	return b
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.body.Reset()
	b.zip.Reset(&b.body)
	b.ids, b.raw = b.ids[:0], 0
}

// Len is the number of documents in it.
func (b *Batch) Len() int { return len(b.ids) }

// IDs returns the ids of the documents in it, in their order, until it is emptied.
func (b *Batch) IDs() []string { return b.ids }

// Bytes is the size before compression, which is what servers limit.
func (b *Batch) Bytes() int { return b.raw }

// Add appends the creation of one document. source is a JSON object on one line.
func (b *Batch) Add(index, id string, source []byte) {
	b.line = append(b.line[:0], `{"create":{"_index":`...)
	b.line = appendString(b.line, index)
	b.line = append(b.line, `,"_id":`...)
	b.line = appendString(b.line, id)
	b.line = append(b.line, "}}\n"...)
	b.write(b.line)
	b.write(source)
	b.write([]byte{'\n'})
	b.ids = append(b.ids, id)
}

// write adds to the gzip stream, which goes to memory and cannot fail.
func (b *Batch) write(p []byte) {
	b.raw += len(p)
	_, _ = b.zip.Write(p)
}

// finish ends the gzip stream and returns the body.
func (b *Batch) finish() []byte {
	_ = b.zip.Close() // to memory
	return b.body.Bytes()
}

func appendString(to []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a string always marshals
	return append(to, quoted...)
}
