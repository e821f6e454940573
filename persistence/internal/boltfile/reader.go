package boltfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bbolt's pages are read here without bbolt, with every bound checked: bbolt trusts a file so far
// that a damaged one can make it fault or loop. Source of the layout: go.etcd.io/bbolt
// internal/common (page.go, inode.go, bucket.go). All numbers are in the machine's byte order.

const (
	PageHeaderBytes   = 16 // id 8, flags 2, count 2, overflow 4
	LeafElementBytes  = 16 // flags 4, position 4, key size 4, value size 4
	BranchElementSize = 16 // position 4, key size 4, page 8
	BucketHeaderBytes = 16 // root page 8, sequence 8
	FlagBranch        = 0x01
	FlagLeaf          = 0x02
	flagMeta          = 0x04
	FlagFreelist      = 0x10
	leafIsBucket      = 0x01
	MaxDepth          = 64
)

// PageFile is the view of one transaction of a bbolt file.
type PageFile struct {
	file io.ReaderAt
	Meta Meta
	Seen []uint64 // bit set: the page is reached from the root, or free
	left uint64   // pages not seen yet
	page []byte   // that was read last
}

func NewPageFile(file io.ReaderAt, m Meta) *PageFile {
	return &PageFile{file: file, Meta: m, Seen: make([]uint64, m.Pages/64+1), left: m.Pages - 2}
}

// claim marks pages as used, once.
func (p *PageFile) claim(first, count uint64) error {
	for id := first; id < first+count; id++ {
		if id < 2 || id >= p.Meta.Pages {
			return fmt.Errorf("page %d is outside of the file", id)
		}
		if p.Seen[id/64]&(1<<(id%64)) != 0 {
			return fmt.Errorf("page %d is used twice", id)
		}
		p.Seen[id/64] |= 1 << (id % 64)
		p.left--
	}
	return nil
}

// read returns a page with its overflow, checked to be where it says, and claims it. It is valid
// until the next read.
func (p *PageFile) read(id uint64) ([]byte, error) {
	size := uint64(p.Meta.PageSize)
	if id < 2 || id >= p.Meta.Pages {
		return nil, fmt.Errorf("page %d is outside of the file", id)
	}
	page, err := p.ReadPages(id, 1)
	if err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id || overflow >= p.Meta.Pages {
		return nil, fmt.Errorf("page %d is not what it says", id)
	}
	if err := p.claim(id, 1+overflow); err != nil || overflow == 0 {
		return page[:size], err
	}
	return p.ReadPages(id, 1+overflow)
}

func (p *PageFile) ReadPages(id, count uint64) ([]byte, error) {
	size := count * uint64(p.Meta.PageSize)
	if uint64(cap(p.page)) < size {
		p.page = make([]byte, size)
	}
	page := p.page[:size]
	if _, err := p.file.ReadAt(page, int64(id)*int64(p.Meta.PageSize)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return page, nil
}

// ClaimFree claims the free pages and the list of them; after that every page must have been
// claimed.
func (p *PageFile) ClaimFree() error {
	page, err := p.read(p.Meta.Freelist)
	if err != nil {
		return err
	}
	if binary.NativeEndian.Uint16(page[8:]) != FlagFreelist {
		return errors.New("the list of free pages is none")
	}
	ids, count := page[PageHeaderBytes:], uint64(binary.NativeEndian.Uint16(page[10:]))
	if count == 0xffff {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return errors.New("the list of free pages is cut short")
	}
	for i := range count {
		if err := p.claim(binary.NativeEndian.Uint64(ids[8*i:]), 1); err != nil {
			return err
		}
	}
	if p.left != 0 {
		return fmt.Errorf("%d pages are neither used nor free", p.left)
	}
	return nil
}

// ViewFile reads a closed database.
func ViewFile(path string, read func(*bolt.Tx) error) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      time.Second,
		ReadOnly:     true,
		NoStatistics: true,
	})
	if err != nil {
		return err
	}
	return errors.Join(db.View(read), db.Close())
}
