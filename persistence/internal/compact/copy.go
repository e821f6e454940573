package compact

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"gusty/internal/private"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/verify"
)

// progressEvery is after how many rows a copier tells how far it is.
const progressEvery = 1024

// Copier copies all buckets of a closed database into a new file, value by value as they are: what
// a value is bound to does not change. It reads the original as a verification does, page by page,
// and maps nothing of it: of a file that is mostly free each touch of a map would be a fault.
type Copier struct {
	Source   *os.File
	Progress func(done, all uint64) // may be nil
	done     uint64
	All      uint64
}

var ErrUnlike = errors.New("the copy is not like the original")

// CopyTo writes the copy, and compares it while it becomes durable.
func (c *Copier) CopyTo(path string) (err error) {
	file, err := private.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := c.write(file); err != nil {
		return err
	}
	synced := make(chan error, 1)
	go func() { synced <- file.Sync() }()
	err = boltfile.ViewFile(path, c.Compare)
	return errors.Join(err, <-synced)
}

func (c *Copier) write(file *os.File) error {
	w, err := boltfile.NewDatabaseWriter(file)
	if err != nil {
		return err
	}
	v, err := verify.NewVerifier(c.Source)
	if err != nil {
		return err
	}
	buckets := w.Tree()
	for _, name := range v.Names() {
		value, err := c.copyBucket(v, name, w.Tree())
		if err != nil {
			return err
		}
		if err := buckets.Put([]byte(name), value, true); err != nil {
			return err
		}
	}
	root, err := buckets.Finish()
	if err != nil {
		return err
	}
	return w.Finish(root, v.Pages.Meta.Tx)
}

func (c *Copier) copyBucket(v *verify.Verifier, name string, to *boltfile.TreeWriter) (value []byte,
	err error,
) {
	err = v.Take(name, func(e boltfile.Leaf) error {
		if e.IsBucket {
			return fmt.Errorf("there is a bucket inside of %s", name)
		}
		c.count()
		return to.Put(e.Key, e.Value, false)
	})
	if err != nil {
		return nil, err
	}
	return to.FinishBucket()
}

// count counts a row.
func (c *Copier) count() {
	c.done++
	if c.Progress != nil && (c.done%progressEvery == 0 || c.done == c.All) {
		c.Progress(min(c.done, c.All), c.All)
	}
}

// Compare reads both databases side by side, the copy as bbolt does.
func (c *Copier) Compare(copied *bolt.Tx) error {
	v, err := verify.NewVerifier(c.Source)
	if err != nil {
		return err
	}
	names := v.Names()
	for _, name := range names {
		if err := c.compareBucket(v, name, copied); err != nil {
			return err
		}
	}
	buckets := len(names)
	return copied.ForEach(func([]byte, *bolt.Bucket) error {
		if buckets--; buckets < 0 {
			return fmt.Errorf("%w: it has more buckets", ErrUnlike)
		}
		return nil
	})
}

func (c *Copier) compareBucket(v *verify.Verifier, name string, copied *bolt.Tx) error {
	other := copied.Bucket([]byte(name))
	if other == nil {
		return fmt.Errorf("%w: it has no bucket %s", ErrUnlike, name)
	}
	is := other.Cursor()
	key, value := is.First()
	err := v.Take(name, func(e boltfile.Leaf) error {
		if !bytes.Equal(e.Key, key) || !bytes.Equal(e.Value, value) {
			return fmt.Errorf("%w in the bucket %s", ErrUnlike, name)
		}
		if c.count(); c.done%boltfile.ReleaseEvery == 0 {
			if err := boltfile.ReleaseMap(copied); err != nil {
				return err
			}
		}
		key, value = is.Next()
		return nil
	})
	if err == nil && key != nil {
		err = fmt.Errorf("%w: the bucket %s has more rows", ErrUnlike, name)
	}
	return err
}
