package boltfile

import (
	"bytes"
	"encoding/binary"
)

// What a page is filled to: nearly full, since most rows come in at the end or stay as they are. As
// bbolt does it, a leaf has two rows at least, however long they are, and a branch two children.
const (
	pageFill    = 0.9
	leastInPage = 2
)

// inlineShare is the part of a page up to which a bucket lies in the value that stands for it.
const inlineShare = 4

// TreeWriter writes a tree whose rows come in the order of their keys. It holds one page of each
// level.
type TreeWriter struct {
	file     *databaseWriter
	leaf     pageBuilder
	branches []branchBuilder // those above the leaves, from below
}

// branchBuilder is a branch page that is being filled. The child that came last stands beside it
// until the next one comes, so that the last page of a level does not get one alone.
type branchBuilder struct {
	pageBuilder
	heldKey []byte // nil: none
	heldID  uint64
}

// Put adds a row, or a bucket with the value that stands for it.
func (t *TreeWriter) Put(key, value []byte, isBucket bool) error {
	if t.leaf.count >= leastInPage && t.leaf.size()+LeafElementBytes+len(key)+
		len(value) > t.file.fill() {
		if err := t.flush(0, &t.leaf); err != nil {
			return err
		}
	}
	flags := uint32(0)
	if isBucket {
		flags = leafIsBucket
	}
	t.leaf.addRow(flags, key, value)
	return nil
}

// flush writes a page and gives its parent to know.
func (t *TreeWriter) flush(level int, page *pageBuilder) error {
	id, err := t.file.write(page, level == 0)
	if err != nil {
		return err
	}
	key := bytes.Clone(page.firstKey)
	page.reset()
	return t.putChild(level, key, id)
}

// putChild adds a page to the branch above its level.
func (t *TreeWriter) putChild(level int, key []byte, id uint64) error {
	if level == len(t.branches) {
		t.branches = append(t.branches, branchBuilder{})
	}
	b := &t.branches[level]
	heldKey, heldID := b.heldKey, b.heldID
	b.heldKey, b.heldID = key, id
	if heldKey == nil {
		return nil
	}
	if b.count >= leastInPage && b.size()+BranchElementSize+len(heldKey) > t.file.fill() {
		if err := t.flush(level+1, &b.pageBuilder); err != nil {
			return err
		}
		b = &t.branches[level] // flush may have moved it
	}
	b.addChild(heldKey, heldID)
	return nil
}

// Finish writes what is held and returns the page of the root.
func (t *TreeWriter) Finish() (root uint64, err error) {
	if len(t.branches) == 0 {
		return t.file.write(&t.leaf, true)
	}
	if err := t.flush(0, &t.leaf); err != nil {
		return 0, err
	}
	for level := 0; ; level++ {
		b := &t.branches[level]
		b.addChild(b.heldKey, b.heldID)
		if level+1 == len(t.branches) {
			return t.file.write(&b.pageBuilder, false)
		}
		if err := t.flush(level+1, &b.pageBuilder); err != nil {
			return 0, err
		}
	}
}

// FinishBucket is finish for the tree of a bucket, and gives the value that stands for it.
func (t *TreeWriter) FinishBucket() (value []byte, err error) {
	if len(t.branches) == 0 && t.leaf.size() <= t.file.pageSize/inlineShare {
		value = make([]byte, BucketHeaderBytes, BucketHeaderBytes+t.leaf.size())
		return t.leaf.Append(value, 0, 0, true), nil
	}
	root, err := t.Finish()
	value = binary.NativeEndian.AppendUint64(make([]byte, 0, BucketHeaderBytes), root)
	return binary.NativeEndian.AppendUint64(value, 0), err
}

// pageBuilder is a page that is being filled: its elements, whose positions are those in data until
// it is put together, and what they refer to.
type pageBuilder struct {
	count          int
	elements, data []byte
	firstKey       []byte
}

func (p *pageBuilder) size() int { return PageHeaderBytes + len(p.elements) + len(p.data) }

func (p *pageBuilder) reset() {
	p.count, p.elements, p.data, p.firstKey = 0, p.elements[:0], p.data[:0], p.firstKey[:0]
}

func (p *pageBuilder) addRow(flags uint32, key, value []byte) {
	e := binary.NativeEndian.AppendUint32(p.elements, flags)
	e = binary.NativeEndian.AppendUint32(e, uint32(len(p.data)))
	e = binary.NativeEndian.AppendUint32(e, uint32(len(key)))
	p.elements = binary.NativeEndian.AppendUint32(e, uint32(len(value)))
	p.addKey(key)
	p.data = append(p.data, value...)
}

func (p *pageBuilder) addChild(key []byte, id uint64) {
	e := binary.NativeEndian.AppendUint32(p.elements, uint32(len(p.data)))
	e = binary.NativeEndian.AppendUint32(e, uint32(len(key)))
	p.elements = binary.NativeEndian.AppendUint64(e, id)
	p.addKey(key)
}

func (p *pageBuilder) addKey(key []byte) {
	if p.count == 0 {
		p.firstKey = append(p.firstKey, key...)
	}
	p.data = append(p.data, key...)
	p.count++
}

// Append puts the page together. A position counts from its element.
func (p *pageBuilder) Append(to []byte, id uint64, overflow uint32, isLeaf bool) []byte {
	flags, place := uint16(FlagBranch), 0 // of the position in an element
	if isLeaf {
		flags, place = FlagLeaf, 4
	}
	to = appendPageHeader(to, id, flags, uint16(p.count), overflow)
	for at := 0; at < len(p.elements); at += LeafElementBytes { // which a branch's have, too
		position := p.elements[at+place:]
		binary.NativeEndian.PutUint32(position, binary.NativeEndian.Uint32(position)+
			uint32(len(p.elements)-at))
	}
	return append(append(to, p.elements...), p.data...)
}
