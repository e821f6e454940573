package persistence

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// How a copy is written: pages nearly full, since most rows come in at the end or stay as they are, and so many bytes to a transaction.
const (
	copyFill      = 0.9
	copyTogether  = 1 << 20
	copyOverhead  = 64   // bytes that a waiting row costs beside its own, about
	progressEvery = 1024 // rows
)

// copier copies all buckets of one database into an empty one, value by value as they are: what a value is bound to does not change.
type copier struct {
	source   *bolt.Tx
	target   *bolt.DB
	progress func(done, all uint64) // may be nil
	done     uint64
	all      uint64
	tx       *bolt.Tx // of the target
	waiting  int      // bytes in it
}

var errUnlike = errors.New("the copy is not like the original")

func (c *copier) copy() (err error) {
	if c.tx, err = c.target.Begin(true); err != nil {
		return err
	}
	err = c.source.ForEach(c.copyBucket)
	if err == nil {
		return c.tx.Commit()
	}
	if c.tx != nil {
		err = errors.Join(err, c.tx.Rollback())
	}
	return err
}

func (c *copier) copyBucket(name []byte, from *bolt.Bucket) error {
	to, err := c.tx.CreateBucket(name)
	if err != nil {
		return err
	}
	return from.ForEach(func(key, value []byte) error {
		if c.waiting >= copyTogether {
			if err := c.turn(); err != nil {
				return err
			}
			to = c.tx.Bucket(name)
		}
		if value == nil {
			return fmt.Errorf("there is a bucket inside of %s", name)
		}
		to.FillPercent = copyFill
		c.waiting += len(key) + len(value) + copyOverhead
		return errors.Join(to.Put(key, value), c.count())
	})
}

// turn commits what was copied and begins the next transaction.
func (c *copier) turn() (err error) {
	tx := c.tx
	c.tx, c.waiting = nil, 0
	if err := tx.Commit(); err != nil {
		return err
	}
	c.tx, err = c.target.Begin(true)
	return err
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
