package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// salvaged is one thing that was read from a damaged file.
type salvaged struct {
	kind  salvagedKind
	where bucketID // of a row
	// a row on a page that the tree does not lead to any more: it may be an older form of it, or
	// one that was deleted
	stray bool
	key   []byte
	value []byte // as it stood in the file
}

type salvagedKind byte

const (
	salvagedHeader salvagedKind = 1 // value: the header
	salvagedKey    salvagedKind = 2 // key: the version; value: the wrapped key
	salvagedLedger salvagedKind = 3 // value: the sealed ledger
	salvagedRow    salvagedKind = 4 // of a bucket that is no order: those are made anew
	salvagedEnd    salvagedKind = 5 // the file was read to its end
)

// salvager reads what is readable of a damaged file, and gives each row that opens in its place. No
// damage ends it: a page that is not what it should be is left out, and what else lies on pages
// that nothing leads to is looked for page by page.
type salvager struct {
	file   *pageFile
	pages  uint64 // that are really there
	bad    int    // pages that the tree leads to and that can't be read
	sealer *sealer
	give   func(salvaged) error
}

// salvage reads f. The header comes first, then the keys; without them nothing can be read, which
// is an error.
func salvage(f *os.File, kek Key, give func(salvaged) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m := salvageMeta(f, info.Size())
	s := &salvager{
		file:  newPageFile(f, m),
		pages: uint64(info.Size()) / uint64(m.pageSize),
		give:  give,
	}
	buckets := s.buckets()
	if err := s.openKeys(buckets, kek); err != nil {
		return err
	}
	if err := s.walkBuckets(buckets); err != nil {
		return err
	}
	if s.bad > 0 || len(buckets) < int(bucketCount) {
		if err := s.searchPages(); err != nil {
			return err
		}
	}
	return give(salvaged{kind: salvagedEnd})
}

// salvageMeta returns the newest meta that is whole, however long the file is. Where there is none
// every page is searched.
func salvageMeta(f io.ReaderAt, size int64) meta {
	first, second, pageSize := readMetas(f, size)
	a, aWhole := parseMeta(first)
	b, bWhole := parseMeta(second)
	switch {
	case bWhole && (!aWhole || b.tx > a.tx):
		return b
	case aWhole:
		return a
	}
	return meta{pageSize: uint32(pageSize), pages: max(uint64(size/pageSize), 3)}
}

// buckets reads the tree of buckets, as far as it is readable.
func (s *salvager) buckets() map[string]bucketValue {
	found := map[string]bucketValue{}
	_ = s.walk(s.file.meta.root, 0, func(e leaf) error {
		// the function gives no error, so none comes
		if value, err := parseBucketValue(e.value); err == nil && e.isBucket {
			found[string(e.key)] = value
		}
		return nil
	})
	return found
}

// openKeys finds the header and the keys: where they belong, or in an older copy of the page that
// has them.
func (s *salvager) openKeys(buckets map[string]bucketValue, kek Key) error {
	var wrong error
	try := func(buckets map[string]bucketValue) bool {
		h, rows := s.keyRows(buckets)
		if h == nil {
			return false
		}
		ring, err := unwrapKeyring(rows, kek, h.database)
		if !h.checkKEK(kek) {
			wrong = ErrWrongKey
		}
		if err != nil {
			return false
		}
		s.sealer = &sealer{ring: ring}
		return s.giveKeys(h, rows) == nil
	}
	if try(buckets) || s.eachOldRoot(try) {
		return nil
	}
	if wrong != nil {
		return wrong
	}
	return errors.New("neither its header nor its keys can be read, so nothing of it can be " +
		"opened; restore a backup")
}

// keyRows reads the header and the rows of the keys; nil where there is no header.
func (s *salvager) keyRows(buckets map[string]bucketValue) (h *header, rows map[uint32][]byte) {
	_ = s.visit(buckets, nameMeta, func(e leaf) error {
		if parsed, err := parseHeader(e.value); err == nil && string(e.key) == headerKey {
			h = &parsed
		}
		return nil
	})
	rows = map[uint32][]byte{}
	_ = s.visit(buckets, nameKeys, func(e leaf) error {
		if len(e.key) == 4 {
			rows[binary.BigEndian.Uint32(e.key)] = bytes.Clone(e.value)
		}
		return nil
	})
	return h, rows
}

func (s *salvager) giveKeys(h *header, rows map[uint32][]byte) error {
	if err := s.give(salvaged{kind: salvagedHeader, value: h.marshal()}); err != nil {
		return err
	}
	for version, row := range rows {
		if err := s.give(salvaged{
			kind:  salvagedKey,
			key:   binary.BigEndian.AppendUint32(nil, version),
			value: row,
		}); err != nil {
			return err
		}
	}
	return nil
}

// eachOldRoot offers the buckets of every leaf page that has a bucket of keys in it, until one is
// taken.
func (s *salvager) eachOldRoot(try func(map[string]bucketValue) bool) bool {
	for id := uint64(2); id < s.pages; id++ {
		found := map[string]bucketValue{}
		_ = s.readLeaf(id, func(e leaf) error {
			if value, err := parseBucketValue(e.value); err == nil && e.isBucket &&
				value.inline != nil {
				found[string(e.key)] = value
			}
			return nil
		})
		if _, ok := found[nameKeys]; ok && try(found) {
			return true
		}
	}
	return false
}

// walkBuckets returns the ledger and the rows that the tree leads to.
func (s *salvager) walkBuckets(buckets map[string]bucketValue) error {
	err := s.visit(buckets, nameLedger, func(e leaf) error {
		if _, err := s.sealer.open(nameLedger, e.key, e.value); err != nil {
			return nil //nolint:nilerr // it is lost, and the ledger is made anew
		}
		return s.give(salvaged{kind: salvagedLedger, value: e.value})
	})
	for b := range bucketCount {
		if err != nil {
			return err
		}
		err = s.visit(buckets, b.String(), func(e leaf) error { return s.row(b, e, false) })
	}
	return err
}

// row returns a row that opens. Rows of orders are left out.
func (s *salvager) row(b bucketID, e leaf, stray bool) error {
	if e.isBucket || b.isOrder() {
		return nil
	}
	if _, err := s.sealer.open(b.String(), e.key, e.value); err != nil {
		return nil //nolint:nilerr // it is lost
	}
	return s.give(salvaged{kind: salvagedRow, where: b, stray: stray, key: e.key, value: e.value})
}

// searchPages returns the rows on pages that nothing leads to, but for those that the list of free
// pages names, where that can be read.
func (s *salvager) searchPages() error {
	free := s.freePages()
	for id := uint64(2); id < s.pages; id++ {
		if s.isSeen(id) || free[id] {
			continue
		}
		if err := s.readLeaf(id, s.stray); err != nil {
			return err
		}
	}
	return nil
}

// stray finds out by opening where a row belongs.
func (s *salvager) stray(e leaf) error {
	if e.isBucket {
		value, err := parseBucketValue(e.value)
		if err != nil || value.inline == nil {
			return nil //nolint:nilerr // no rows can be found here
		}
		return eachElement(value.inline, s.stray)
	}
	for b := range bucketCount {
		if err := s.row(b, e, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvager) freePages() map[uint64]bool {
	free := map[uint64]bool{}
	page, err := s.page(s.file.meta.freelist)
	if err != nil || binary.NativeEndian.Uint16(page[8:]) != flagFreelist {
		return free
	}
	ids, count := page[pageHeaderBytes:], uint64(binary.NativeEndian.Uint16(page[10:]))
	if count == 0xffff {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	for i := range min(count, uint64(len(ids)/8)) {
		free[binary.NativeEndian.Uint64(ids[8*i:])] = true
	}
	return free
}

// visit walks one bucket, if it was found.
func (s *salvager) visit(buckets map[string]bucketValue, name string,
	visit func(leaf) error,
) error {
	bucket, ok := buckets[name]
	switch {
	case !ok:
		return nil
	case bucket.inline != nil:
		return eachElement(bucket.inline, visit)
	}
	return s.walk(bucket.root, 0, visit)
}

// walk visits the elements of a tree, and leaves out what it can't read.
func (s *salvager) walk(id uint64, depth int, visit func(leaf) error) error {
	if depth > maxDepth || s.isSeen(id) {
		return nil
	}
	page, err := s.page(id)
	if err != nil {
		s.bad++
		return nil //nolint:nilerr // it is lost, with all that lies below it
	}
	s.file.seen[id/64] |= 1 << (id % 64)
	switch binary.NativeEndian.Uint16(page[8:]) {
	case flagLeaf:
		return eachElement(slices.Clone(page), visit)
	case flagBranch:
		return s.walkBranch(slices.Clone(page), depth, visit)
	}
	s.bad++
	return nil
}

func (s *salvager) walkBranch(page []byte, depth int, visit func(leaf) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	for i := range min(count, (len(page)-pageHeaderBytes)/branchElementSize) {
		child := binary.NativeEndian.Uint64(page[pageHeaderBytes+i*branchElementSize+8:])
		if err := s.walk(child, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

// readLeaf visits the elements of a page that is a leaf by its own word.
func (s *salvager) readLeaf(id uint64, visit func(leaf) error) error {
	page, err := s.page(id)
	if err != nil || binary.NativeEndian.Uint16(page[8:]) != flagLeaf {
		return nil //nolint:nilerr // it is something else
	}
	return eachElement(slices.Clone(page), visit)
}

// eachElement visits the elements of a leaf page that lie inside of it, in whatever order.
func eachElement(page []byte, visit func(leaf) error) error {
	if len(page) < pageHeaderBytes {
		return nil
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	for i := range min(count, (len(page)-pageHeaderBytes)/leafElementBytes) {
		e, err := leafElement(page, pageHeaderBytes+i*leafElementBytes)
		if err != nil || len(e.key) == 0 {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvager) isSeen(id uint64) bool {
	return id/64 >= uint64(len(s.file.seen)) || s.file.seen[id/64]&(1<<(id%64)) != 0
}

// page reads a page with its overflow, wherever it was reached from.
func (s *salvager) page(id uint64) ([]byte, error) {
	if id < 2 || id >= s.pages {
		return nil, fmt.Errorf("page %d is outside of the file", id)
	}
	page, err := s.file.readPages(id, 1)
	if err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id || id+overflow >= s.pages {
		return nil, fmt.Errorf("page %d is not what it says", id)
	}
	return s.file.readPages(id, 1+overflow)
}
