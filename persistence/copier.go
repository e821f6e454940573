package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"gusty/internal/private"
)

// progressEvery is after how many rows a copier tells how far it is.
const progressEvery = 1024

// copier copies all buckets of a closed database into a new file, value by value as they are: what
// a value is bound to does not change. It reads the original as a verification does, page by page,
// and maps nothing of it: of a file that is mostly free each touch of a map would be a fault.
type copier struct {
	source   *os.File
	progress func(done, all uint64) // may be nil
	done     uint64
	all      uint64
}

var errUnlike = errors.New("the copy is not like the original")

// copyTo writes the copy, and compares it while it becomes durable.
func (c *copier) copyTo(path string) (err error) {
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
	err = viewFile(path, c.compare)
	return errors.Join(err, <-synced)
}

func (c *copier) write(file *os.File) error {
	w, err := newDatabaseWriter(file)
	if err != nil {
		return err
	}
	v, err := newVerifier(c.source)
	if err != nil {
		return err
	}
	buckets := w.tree()
	for _, name := range v.names() {
		value, err := c.copyBucket(v, name, w.tree())
		if err != nil {
			return err
		}
		if err := buckets.put([]byte(name), value, true); err != nil {
			return err
		}
	}
	root, err := buckets.finish()
	if err != nil {
		return err
	}
	return w.finish(root, v.pages.meta.tx)
}

func (c *copier) copyBucket(v *verifier, name string, to *treeWriter) (value []byte, err error) {
	err = v.take(name, func(e leaf) error {
		if e.isBucket {
			return fmt.Errorf("there is a bucket inside of %s", name)
		}
		c.count()
		return to.put(e.key, e.value, false)
	})
	if err != nil {
		return nil, err
	}
	return to.finishBucket()
}

// count counts a row.
func (c *copier) count() {
	c.done++
	if c.progress != nil && (c.done%progressEvery == 0 || c.done == c.all) {
		c.progress(min(c.done, c.all), c.all)
	}
}

// compare reads both databases side by side, the copy as bbolt does.
func (c *copier) compare(copied *bolt.Tx) error {
	v, err := newVerifier(c.source)
	if err != nil {
		return err
	}
	names := v.names()
	for _, name := range names {
		if err := c.compareBucket(v, name, copied); err != nil {
			return err
		}
	}
	buckets := len(names)
	return copied.ForEach(func([]byte, *bolt.Bucket) error {
		if buckets--; buckets < 0 {
			return fmt.Errorf("%w: it has more buckets", errUnlike)
		}
		return nil
	})
}

func (c *copier) compareBucket(v *verifier, name string, copied *bolt.Tx) error {
	other := copied.Bucket([]byte(name))
	if other == nil {
		return fmt.Errorf("%w: it has no bucket %s", errUnlike, name)
	}
	is := other.Cursor()
	key, value := is.First()
	err := v.take(name, func(e leaf) error {
		if !bytes.Equal(e.key, key) || !bytes.Equal(e.value, value) {
			return fmt.Errorf("%w in the bucket %s", errUnlike, name)
		}
		if c.count(); c.done%releaseEvery == 0 {
			if err := releaseMap(copied); err != nil {
				return err
			}
		}
		key, value = is.Next()
		return nil
	})
	if err == nil && key != nil {
		err = fmt.Errorf("%w: the bucket %s has more rows", errUnlike, name)
	}
	return err
}
