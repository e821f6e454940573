package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// VerifyFile checks a closed database whole: that every page is used once, that every row is where
// it belongs and opens, and that no row is missing. It reads the file by itself and maps nothing,
// so that damage can't make it fault; it changes nothing. The error wraps ErrDamaged, ErrWrongKey,
// ErrForeign or ErrNewerFormat.
func VerifyFile(path string, kek keyring.Key) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verify the database: %w", err)
	}
	err = verify(f, kek)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return describe(path, err)
}

// describe puts the sentence around what a verification has found.
func describe(path string, err error) error {
	var system *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, boltfile.ErrForeign):
		return fmt.Errorf("%s is %w, or its beginning is destroyed; %s, or give another --data-dir",
			path, boltfile.ErrForeign, format.LeftAsItIs)
	case errors.Is(err, format.ErrNewerFormat):
		return fmt.Errorf("%s: %w than this one; install that version again", path,
			format.ErrNewerFormat)
	case errors.Is(err, format.ErrWrongKey):
		return fmt.Errorf("%w %s: it was made with another key; restore that key",
			format.ErrWrongKey,
			path)
	case errors.As(err, &system):
		return fmt.Errorf("verify the database: %w", err)
	}
	return format.Damaged(path, err)
}

// Verifier checks one file.
type Verifier struct {
	Pages   *boltfile.PageFile
	Buckets map[string]BucketValue
	Opener  *keyring.Sealer
	hasher  *format.RowHasher
}

// BucketValue is the value that stands for a bucket: its root page, or its one leaf page itself.
type BucketValue struct {
	Root   uint64
	Inline []byte
}

func verify(f *os.File, kek keyring.Key) error {
	v, err := NewVerifier(f)
	if err != nil {
		return err
	}
	return v.verify(kek)
}

// NewVerifier finds the buckets of a file.
func NewVerifier(f *os.File) (*Verifier, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, errors.New("it is empty")
	}
	m, err := boltfile.ChooseMeta(f, info.Size())
	if err != nil {
		return nil, err
	}
	v := &Verifier{Pages: boltfile.NewPageFile(f, m), Buckets: map[string]BucketValue{}}
	return v, v.Pages.Walk(m.Root, v.AddBucket)
}

// HeaderOf reads the header of a closed file as carefully as VerifyFile does, and with its errors.
func HeaderOf(path string) (h keyring.Header, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, fmt.Errorf("read the database: %w", err)
	}
	v, err := NewVerifier(f)
	if err == nil {
		h, err = v.header()
	}
	return h, describe(path, errors.Join(err, f.Close()))
}

func (v *Verifier) AddBucket(e boltfile.Leaf) (err error) {
	if !e.IsBucket {
		return errors.New("a row lies outside of all buckets")
	}
	v.Buckets[string(e.Key)], err = ParseBucketValue(e.Value)
	return err
}

func (v *Verifier) verify(kek keyring.Key) error {
	h, err := v.header()
	if err != nil {
		return err
	}
	if err := v.openKeys(kek, &h); err != nil {
		return err
	}
	l, err := v.Ledger()
	if err != nil {
		return err
	}
	for b := range format.BucketCount {
		if err := v.checkBucket(b, &l.Digests[b]); err != nil {
			return err
		}
	}
	if len(v.Buckets) != 0 {
		return errors.New("there is a bucket that does not belong there")
	}
	return v.Pages.ClaimFree()
}

func (v *Verifier) openKeys(kek keyring.Key, h *keyring.Header) error {
	if !h.CheckKEK(kek) {
		return format.ErrWrongKey
	}
	ring, err := v.keyring(kek, h)
	if err != nil {
		return err
	}
	v.Opener, v.hasher = &keyring.Sealer{Ring: ring}, format.NewRowHasher(ring.Rows)
	return nil
}

// LookInto returns a verifier with the keys of a closed database that was verified.
func LookInto(path string, kek keyring.Key, look func(*Verifier) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	v, err := NewVerifier(f)
	if err == nil {
		var h keyring.Header
		if h, err = v.header(); err == nil {
			err = v.openKeys(kek, &h)
		}
	}
	if err == nil {
		err = look(v)
	}
	return errors.Join(err, f.Close())
}

// Names returns the buckets that were not taken yet, in order.
func (v *Verifier) Names() []string { return slices.Sorted(maps.Keys(v.Buckets)) }

// Take visits the rows of a bucket, once.
func (v *Verifier) Take(name string, visit func(boltfile.Leaf) error) error {
	bucket, ok := v.Buckets[name]
	if !ok {
		return fmt.Errorf("the bucket %s is missing", name)
	}
	delete(v.Buckets, name)
	if bucket.Inline != nil {
		return boltfile.WalkLeaf(bucket.Inline, boltfile.Span{}, visit)
	}
	return v.Pages.Walk(bucket.Root, visit)
}

// checkBucket opens every row and compares the bucket with its digest.
func (v *Verifier) checkBucket(b format.BucketID, want *format.Digest) error {
	var have format.Digest
	err := v.Take(b.String(), func(e boltfile.Leaf) error {
		if e.IsBucket {
			return fmt.Errorf("there is a bucket inside of %s", b)
		}
		have.Add(v.hasher.Hash(b, e.Key, e.Value))
		if b.IsOrder() {
			return nil
		}
		if _, err := v.Opener.Open(b.String(), e.Key, e.Value); err != nil {
			return fmt.Errorf("a row of %s does not open", b)
		}
		return nil
	})
	if err == nil && have != *want {
		err = fmt.Errorf("the rows of %s are not those that were stored (%d of %d)", b, have.Rows,
			want.Rows)
	}
	return err
}
