package format

import "time"

// Rotation is what the ledger knows of the values that older data keys sealed. Without any, rows of
// it are zero.
type Rotation struct {
	Rows   uint64 // that there were when the current key was made
	Old    uint64 // of these, those that an older key sealed, still
	Bucket BucketID
	// all rows up to it, in the bucket and those before it, are sealed with the current key; empty:
	// all of those before it
	Key   []byte
	Began time.Time
}

func (r *Rotation) Append(e *Encoder) {
	e.Uint(fieldRotateRows, r.Rows)
	e.Uint(fieldRotateOld, r.Old)
	e.Uint(fieldRotateBucket, uint64(r.Bucket))
	e.Bytes(fieldRotateKey, r.Key)
	e.Time(fieldRotateBegan, r.Began)
}

func (r *Rotation) parse(d *Decoder) {
	switch d.Number {
	case fieldRotateRows:
		r.Rows = d.Uint()
	case fieldRotateOld:
		r.Old = d.Uint()
	case fieldRotateBucket:
		r.Bucket = BucketID(min(d.Uint(), uint64(BucketCount)))
	case fieldRotateKey:
		r.Key = d.Bytes()
	case fieldRotateBegan:
		r.Began = d.Time()
	}
}

// SealedRows counts the rows that are sealed.
func (l *Ledger) SealedRows() (rows uint64) {
	for b := range BucketCount {
		if !b.IsOrder() {
			rows += l.Digests[b].Rows
		}
	}
	return rows
}
