package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// leaf is one element of a leaf page.
type leaf struct {
	isBucket   bool
	key, value []byte // valid during the visit
}

// span is the range that the keys of a page must lie in: least ≤ key < below; nil is no bound.
type span struct{ least, below []byte }

// walk visits the elements of a tree in order of their keys.
func (p *pageFile) walk(root uint64, visit func(leaf) error) error {
	return p.walkPage(root, span{}, 0, visit)
}

func (p *pageFile) walkPage(id uint64, bounds span, depth int, visit func(leaf) error) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d lies too deep", id)
	}
	page, err := p.read(id)
	if err != nil {
		return err
	}
	switch binary.NativeEndian.Uint16(page[8:]) {
	case flagLeaf:
		return walkLeaf(page, bounds, visit)
	case flagBranch:
		return p.walkBranch(bytes.Clone(page), bounds, depth, visit)
	}
	return fmt.Errorf("page %d is of the wrong kind", id)
}

func (p *pageFile) walkBranch(page []byte, bounds span, depth int, visit func(leaf) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 || pageHeaderBytes+count*branchElementSize > len(page) {
		return fmt.Errorf("a branch has %d elements", count)
	}
	keyOf := func(i int) ([]byte, error) {
		at := pageHeaderBytes + i*branchElementSize
		return cut(page, at, binary.NativeEndian.Uint32(page[at:]),
			binary.NativeEndian.Uint32(page[at+4:]))
	}
	for i := range count {
		key, err := keyOf(i)
		if err != nil {
			return err
		}
		if !bounds.holds(key) {
			return errors.New("a branch is out of order")
		}
		child := span{least: key, below: bounds.below}
		if i+1 < count {
			if child.below, err = keyOf(i + 1); err != nil {
				return err
			}
		}
		bounds.least = child.below
		id := binary.NativeEndian.Uint64(page[pageHeaderBytes+i*branchElementSize+8:])
		if err := p.walkPage(id, child, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkLeaf visits the elements of a leaf page, which may also be the page inside of an inline
// bucket.
func walkLeaf(page []byte, bounds span, visit func(leaf) error) error {
	if len(page) < pageHeaderBytes || binary.NativeEndian.Uint16(page[8:]) != flagLeaf {
		return fmt.Errorf("a leaf of %d bytes is none", len(page))
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if pageHeaderBytes+count*leafElementBytes > len(page) {
		return fmt.Errorf("a leaf has %d elements", count)
	}
	var last []byte
	for i := range count {
		e, err := leafElement(page, pageHeaderBytes+i*leafElementBytes)
		if err != nil {
			return err
		}
		if !bounds.holds(e.key) || last != nil && bytes.Compare(last, e.key) >= 0 {
			return errors.New("a leaf is out of order")
		}
		last = e.key
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func leafElement(page []byte, at int) (e leaf, err error) {
	flags, position := binary.NativeEndian.Uint32(page[at:]), binary.NativeEndian.Uint32(page[at+
		4:])
	keySize, valueSize := binary.NativeEndian.Uint32(page[at+
		8:]), binary.NativeEndian.Uint32(page[at+12:])
	if flags&^leafIsBucket != 0 {
		return e, fmt.Errorf("an element has the flags %#x", flags)
	}
	if e.key, err = cut(page, at, position, keySize); err != nil {
		return e, err
	}
	e.isBucket = flags == leafIsBucket
	e.value, err = cut(page, at+len(e.key), position, valueSize)
	return e, err
}

// cut returns size bytes of page that lie position behind at.
func cut(page []byte, at int, position, size uint32) ([]byte, error) {
	from := uint64(at) + uint64(position)
	to := from + uint64(size)
	if to > uint64(len(page)) {
		return nil, errors.New("an element lies outside of its page")
	}
	return page[from:to:to], nil
}

func (s span) holds(key []byte) bool {
	return len(key) > 0 && (s.least == nil || bytes.Compare(key, s.least) >= 0) &&
		(s.below == nil || bytes.Compare(key, s.below) < 0)
}
