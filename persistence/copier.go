package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// progressEvery is after how many rows a copier tells how far it is.
const progressEvery = 1024

// copier copies all buckets of one database into a new file, value by value as they are: what a value is bound to does not change.
type copier struct {
	source   *bolt.Tx
	progress func(done, all uint64) // may be nil
	done     uint64
	all      uint64
}

var errUnlike = errors.New("the copy is not like the original")

// copyTo writes the copy, and compares it while it becomes durable.
func (c *copier) copyTo(path string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
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
	buckets := w.tree()
	err = c.source.ForEach(func(name []byte, from *bolt.Bucket) error {
		value, err := c.copyBucket(name, from, w.tree())
		if err != nil {
			return err
		}
		return buckets.put(name, value, true)
	})
	if err != nil {
		return err
	}
	root, err := buckets.finish()
	if err != nil {
		return err
	}
	return w.finish(root, uint64(c.source.ID()))
}

func (c *copier) copyBucket(name []byte, from *bolt.Bucket, to *treeWriter) (value []byte, err error) {
	err = from.ForEach(func(key, value []byte) error {
		if value == nil {
			return fmt.Errorf("there is a bucket inside of %s", name)
		}
		if err := to.put(key, value, false); err != nil {
			return err
		}
		return c.count()
	})
	if err != nil {
		return nil, err
	}
	return to.finishBucket()
}

// count counts a row, and gives the map's pages back from time to time.
func (c *copier) count() error {
	c.done++
	if c.progress != nil && (c.done%progressEvery == 0 || c.done == c.all) {
		c.progress(min(c.done, c.all), c.all)
	}
	if c.done%releaseEvery == 0 {
		return releaseMap(c.source)
	}
	return nil
}

// compare reads both databases side by side.
func (c *copier) compare(copied *bolt.Tx) error {
	buckets := 0
	err := c.source.ForEach(func(name []byte, b *bolt.Bucket) error {
		buckets++
		return c.compareBucket(name, b, copied)
	})
	if err != nil {
		return err
	}
	return copied.ForEach(func(name []byte, _ *bolt.Bucket) error {
		if buckets--; buckets < 0 {
			return fmt.Errorf("%w: it has the bucket %s", errUnlike, name)
		}
		return nil
	})
}

func (c *copier) compareBucket(name []byte, b *bolt.Bucket, copied *bolt.Tx) error {
	other := copied.Bucket(name)
	if other == nil {
		return fmt.Errorf("%w: it has no bucket %s", errUnlike, name)
	}
	is, was := other.Cursor(), b.Cursor()
	key, value := is.First()
	for k, v := was.First(); k != nil; k, v = was.Next() {
		if !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			return fmt.Errorf("%w in the bucket %s", errUnlike, name)
		}
		if err := c.count(); err != nil {
			return err
		}
		if c.done%releaseEvery == 0 {
			if err := releaseMap(copied); err != nil {
				return err
			}
		}
		key, value = is.Next()
	}
	if key != nil {
		return fmt.Errorf("%w: the bucket %s has more rows", errUnlike, name)
	}
	return nil
}
