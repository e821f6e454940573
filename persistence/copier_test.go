package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/compact"
	"gusty/persistence/internal/verify"
)

// shape is what a bucket of a test holds.
type shape struct{ rows, keyBytes, valueBytes int }

// shapes are chosen for their trees: none, in the parent's value, of one page, of two, three and
// four levels, of rows over several pages, and of keys so long that few fit into a branch.
func shapes() []shape {
	return []shape{
		{},
		{1, 4, 10},
		{1, 4, 1100},
		{3, 4, 9000},
		{6, 8, 900},
		{20_000, 33, 1},
		{3000, 16, 700},
		{40, 2000, 3},
		{200, 1000, 60_000},
		{3000, 900, 3},
	}
}

// plant makes a database of buckets of those shapes, whose values are of any length up to the one
// of the shape.
func plant(t *testing.T, path string, random *rand.Rand) {
	t.Helper()
	db, err := openDatabase(path)
	if err != nil {
		t.Fatal(err)
	}
	db.NoSync = true
	for n, s := range shapes() {
		err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte(fmt.Sprint("bucket ", n)))
			for row := 0; row < s.rows && err == nil; row++ {
				key := binary.BigEndian.AppendUint32(nil, random.Uint32())
				err = b.Put(append(key, make([]byte, s.keyBytes-len(key))...),
					make([]byte, random.IntN(s.valueBytes+1)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCopiedFileIsOneOfBbolt: bbolt's own check finds nothing in a copy, as it is and after bbolt
// has changed it, and every page of it is used.
func TestCopiedFileIsOneOfBbolt(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	random := rand.New(rand.NewPCG(1, 2))
	plant(t, from, random)
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	if err := (&compact.Copier{Source: source}).CopyTo(to); err != nil {
		t.Fatal(err)
	}
	checkPages(t, to)
	db, err := openDatabase(to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.NoSync = true
	checkByBbolt(t, db)
	for round := range 20 {
		if err := db.Update(func(tx *bolt.Tx) error { return disturb(tx, random) }); err != nil {
			t.Fatal(round, err)
		}
		checkByBbolt(t, db)
	}
}

// checkPages looks at the file as a verification does.
func checkPages(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	v, err := verify.NewVerifier(f)
	if err != nil {
		t.Fatal(err)
	}
	for n, s := range shapes() {
		rows := 0
		if err := v.Take(fmt.Sprint("bucket ", n), func(boltfile.Leaf) error {
			rows++
			return nil
		}); err != nil || rows != s.rows {
			t.Errorf("bucket %d has %d rows, want %d: %v", n, rows, s.rows, err)
		}
	}
	if err := v.Pages.ClaimFree(); err != nil {
		t.Error(err)
	}
	if info, err := f.Stat(); err != nil ||
		info.Size() != int64(v.Pages.Meta.Pages)*int64(v.Pages.Meta.PageSize) {
		t.Errorf("%d pages in %d bytes, %v", v.Pages.Meta.Pages, info.Size(), err)
	}
}

func checkByBbolt(t *testing.T, db *bolt.DB) {
	t.Helper()
	err := db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil || t.Failed() {
		t.Fatal("bbolt finds faults: ", err)
	}
}

// disturb deletes and puts rows in every bucket.
func disturb(tx *bolt.Tx, random *rand.Rand) error {
	return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		for range 30 {
			sought := binary.BigEndian.AppendUint32(nil, random.Uint32())
			if key, _ := b.Cursor().Seek(sought); key != nil {
				if err := b.Delete(bytes.Clone(key)); err != nil {
					return err
				}
			}
			if err := b.Put(sought, make([]byte, random.IntN(3000))); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestCopyIsComparedWithTheOriginal: a copy that differs in one value, one row or one bucket is not
// taken.
func TestCopyIsComparedWithTheOriginal(t *testing.T) {
	for name, change := range map[string]func(*bolt.Tx) error{
		"value":  func(tx *bolt.Tx) error { return tx.Bucket([]byte("bucket 0")).Put([]byte("key"), []byte("another")) },
		"row":    func(tx *bolt.Tx) error { return tx.Bucket([]byte("bucket 0")).Put([]byte("second"), nil) },
		"lost":   func(tx *bolt.Tx) error { return tx.Bucket([]byte("bucket 0")).Delete([]byte("key")) },
		"bucket": func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("bucket 1")); return err },
	} {
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		for path, change := range map[string]func(*bolt.Tx) error{from: nil, to: change} {
			db, err := openDatabase(path)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error {
				b, err := tx.CreateBucket([]byte("bucket 0"))
				if err == nil {
					err = b.Put([]byte("key"), []byte("value"))
				}
				if err == nil && change != nil {
					err = change(tx)
				}
				return err
			})
			if err != nil || db.Close() != nil {
				t.Fatal(err)
			}
		}
		source, err := os.Open(from)
		if err != nil {
			t.Fatal(err)
		}
		err = boltfile.ViewFile(to, (&compact.Copier{Source: source}).Compare)
		_ = source.Close()
		if !errors.Is(err, compact.ErrUnlike) {
			t.Errorf("%s: the copy was taken", name)
		}
	}
}
