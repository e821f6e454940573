package persistence

import "time"

// rotation is what the ledger knows of the values that older data keys sealed. Without any, rows of
// it are zero.
type rotation struct {
	rows   uint64 // that there were when the current key was made
	old    uint64 // of these, those that an older key sealed, still
	bucket bucketID
	// all rows up to it, in the bucket and those before it, are sealed with the current key; empty:
	// all of those before it
	key   []byte
	began time.Time
}

func (r *rotation) append(e *encoder) {
	e.uint(fieldRotateRows, r.rows)
	e.uint(fieldRotateOld, r.old)
	e.uint(fieldRotateBucket, uint64(r.bucket))
	e.bytes(fieldRotateKey, r.key)
	e.time(fieldRotateBegan, r.began)
}

func (r *rotation) parse(d *decoder) {
	switch d.number {
	case fieldRotateRows:
		r.rows = d.uint()
	case fieldRotateOld:
		r.old = d.uint()
	case fieldRotateBucket:
		r.bucket = bucketID(min(d.uint(), uint64(bucketCount)))
	case fieldRotateKey:
		r.key = d.bytes()
	case fieldRotateBegan:
		r.began = d.time()
	}
}

// sealedRows counts the rows that are sealed.
func (l *ledger) sealedRows() (rows uint64) {
	for b := range bucketCount {
		if !b.isOrder() {
			rows += l.digests[b].rows
		}
	}
	return rows
}
