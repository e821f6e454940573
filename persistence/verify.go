package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// VerifyFile checks a closed database whole: that every page is used once, that every row is where
// it belongs and opens, and that no row is missing. It reads the file by itself and maps nothing,
// so that damage can't make it fault; it changes nothing. The error wraps ErrDamaged, ErrWrongKey,
// ErrForeign or ErrNewerFormat.
func VerifyFile(path string, kek Key) error {
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
	case errors.Is(err, ErrForeign):
		return fmt.Errorf("%s is %w, or its beginning is destroyed; %s, or give another --data-dir",
			path, ErrForeign, leftAsItIs)
	case errors.Is(err, ErrNewerFormat):
		return fmt.Errorf("%s: %w than this one; install that version again", path, ErrNewerFormat)
	case errors.Is(err, ErrWrongKey):
		return fmt.Errorf("%w %s: it was made with another key; restore that key", ErrWrongKey,
			path)
	case errors.As(err, &system):
		return fmt.Errorf("verify the database: %w", err)
	}
	return damaged(path, err)
}

// verifier checks one file.
type verifier struct {
	pages   *pageFile
	buckets map[string]bucketValue
	opener  *sealer
	hasher  *rowHasher
}

// bucketValue is the value that stands for a bucket: its root page, or its one leaf page itself.
type bucketValue struct {
	root   uint64
	inline []byte
}

func verify(f *os.File, kek Key) error {
	v, err := newVerifier(f)
	if err != nil {
		return err
	}
	return v.verify(kek)
}

// newVerifier finds the buckets of a file.
func newVerifier(f *os.File) (*verifier, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, errors.New("it is empty")
	}
	m, err := chooseMeta(f, info.Size())
	if err != nil {
		return nil, err
	}
	v := &verifier{pages: newPageFile(f, m), buckets: map[string]bucketValue{}}
	return v, v.pages.walk(m.root, v.addBucket)
}

// headerOf reads the header of a closed file as carefully as VerifyFile does, and with its errors.
func headerOf(path string) (h header, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, fmt.Errorf("read the database: %w", err)
	}
	v, err := newVerifier(f)
	if err == nil {
		h, err = v.header()
	}
	return h, describe(path, errors.Join(err, f.Close()))
}

func (v *verifier) addBucket(e leaf) (err error) {
	if !e.isBucket {
		return errors.New("a row lies outside of all buckets")
	}
	v.buckets[string(e.key)], err = parseBucketValue(e.value)
	return err
}

func (v *verifier) verify(kek Key) error {
	h, err := v.header()
	if err != nil {
		return err
	}
	if err := v.openKeys(kek, &h); err != nil {
		return err
	}
	l, err := v.ledger()
	if err != nil {
		return err
	}
	for b := range bucketCount {
		if err := v.checkBucket(b, &l.digests[b]); err != nil {
			return err
		}
	}
	if len(v.buckets) != 0 {
		return errors.New("there is a bucket that does not belong there")
	}
	return v.pages.claimFree()
}

func (v *verifier) openKeys(kek Key, h *header) error {
	if !h.checkKEK(kek) {
		return ErrWrongKey
	}
	ring, err := v.keyring(kek, h)
	if err != nil {
		return err
	}
	v.opener, v.hasher = &sealer{ring: ring}, newRowHasher(ring.rows)
	return nil
}

// lookInto returns a verifier with the keys of a closed database that was verified.
func lookInto(path string, kek Key, look func(*verifier) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	v, err := newVerifier(f)
	if err == nil {
		var h header
		if h, err = v.header(); err == nil {
			err = v.openKeys(kek, &h)
		}
	}
	if err == nil {
		err = look(v)
	}
	return errors.Join(err, f.Close())
}

// names returns the buckets that were not taken yet, in order.
func (v *verifier) names() []string { return slices.Sorted(maps.Keys(v.buckets)) }

// take visits the rows of a bucket, once.
func (v *verifier) take(name string, visit func(leaf) error) error {
	bucket, ok := v.buckets[name]
	if !ok {
		return fmt.Errorf("the bucket %s is missing", name)
	}
	delete(v.buckets, name)
	if bucket.inline != nil {
		return walkLeaf(bucket.inline, span{}, visit)
	}
	return v.pages.walk(bucket.root, visit)
}

// checkBucket opens every row and compares the bucket with its digest.
func (v *verifier) checkBucket(b bucketID, want *digest) error {
	var have digest
	err := v.take(b.String(), func(e leaf) error {
		if e.isBucket {
			return fmt.Errorf("there is a bucket inside of %s", b)
		}
		have.add(v.hasher.hash(b, e.key, e.value))
		if b.isOrder() {
			return nil
		}
		if _, err := v.opener.open(b.String(), e.key, e.value); err != nil {
			return fmt.Errorf("a row of %s does not open", b)
		}
		return nil
	})
	if err == nil && have != *want {
		err = fmt.Errorf("the rows of %s are not those that were stored (%d of %d)", b, have.rows,
			want.rows)
	}
	return err
}
