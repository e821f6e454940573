package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Leaf is one element of a leaf page.
type Leaf struct {
	IsBucket   bool
	Key, Value []byte // valid during the visit
}

// Span is the range that the keys of a page must lie in: least ≤ key < below; nil is no bound.
type Span struct{ least, below []byte }

// Walk visits the elements of a tree in order of their keys.
func (p *PageFile) Walk(root uint64, visit func(Leaf) error) error {
	return p.walkPage(root, Span{}, 0, visit)
}

func (p *PageFile) walkPage(id uint64, bounds Span, depth int, visit func(Leaf) error) error {
	if depth > MaxDepth {
		return fmt.Errorf("page %d lies too deep", id)
	}
	page, err := p.read(id)
	if err != nil {
		return err
	}
	switch binary.NativeEndian.Uint16(page[8:]) {
	case FlagLeaf:
		return WalkLeaf(page, bounds, visit)
	case FlagBranch:
		return p.walkBranch(bytes.Clone(page), bounds, depth, visit)
	}
	return fmt.Errorf("page %d is of the wrong kind", id)
}

func (p *PageFile) walkBranch(page []byte, bounds Span, depth int, visit func(Leaf) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 || PageHeaderBytes+count*BranchElementSize > len(page) {
		return fmt.Errorf("a branch has %d elements", count)
	}
	keyOf := func(i int) ([]byte, error) {
		at := PageHeaderBytes + i*BranchElementSize
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
		child := Span{least: key, below: bounds.below}
		if i+1 < count {
			if child.below, err = keyOf(i + 1); err != nil {
				return err
			}
		}
		bounds.least = child.below
		id := binary.NativeEndian.Uint64(page[PageHeaderBytes+i*BranchElementSize+8:])
		if err := p.walkPage(id, child, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

// WalkLeaf visits the elements of a leaf page, which may also be the page inside of an inline
// bucket.
func WalkLeaf(page []byte, bounds Span, visit func(Leaf) error) error {
	if len(page) < PageHeaderBytes || binary.NativeEndian.Uint16(page[8:]) != FlagLeaf {
		return fmt.Errorf("a leaf of %d bytes is none", len(page))
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if PageHeaderBytes+count*LeafElementBytes > len(page) {
		return fmt.Errorf("a leaf has %d elements", count)
	}
	var last []byte
	for i := range count {
		e, err := LeafElement(page, PageHeaderBytes+i*LeafElementBytes)
		if err != nil {
			return err
		}
		if !bounds.holds(e.Key) || last != nil && bytes.Compare(last, e.Key) >= 0 {
			return errors.New("a leaf is out of order")
		}
		last = e.Key
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func LeafElement(page []byte, at int) (e Leaf, err error) {
	flags, position := binary.NativeEndian.Uint32(page[at:]), binary.NativeEndian.Uint32(page[at+
		4:])
	keySize, valueSize := binary.NativeEndian.Uint32(page[at+
		8:]), binary.NativeEndian.Uint32(page[at+12:])
	if flags&^leafIsBucket != 0 {
		return e, fmt.Errorf("an element has the flags %#x", flags)
	}
	if e.Key, err = cut(page, at, position, keySize); err != nil {
		return e, err
	}
	e.IsBucket = flags == leafIsBucket
	e.Value, err = cut(page, at+len(e.Key), position, valueSize)
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

func (s Span) holds(key []byte) bool {
	return len(key) > 0 && (s.least == nil || bytes.Compare(key, s.least) >= 0) &&
		(s.below == nil || bytes.Compare(key, s.below) < 0)
}
