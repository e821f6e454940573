package salvage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// Salvaged is one thing that was read from a damaged file.
type Salvaged struct {
	Kind  salvagedKind
	Where format.BucketID // of a row
	// a row on a page that the tree does not lead to any more: it may be an older form of it, or
	// one that was deleted
	Stray bool
	Key   []byte
	Value []byte // as it stood in the file
}

type salvagedKind byte

const (
	SalvagedHeader salvagedKind = 1 // Value: the header
	SalvagedKey    salvagedKind = 2 // Key: the version; value: the wrapped key
	SalvagedLedger salvagedKind = 3 // Value: the sealed ledger
	SalvagedRow    salvagedKind = 4 // of a bucket that is no order: those are made anew
	SalvagedEnd    salvagedKind = 5 // the file was read to its end
)

// salvager reads what is readable of a damaged file, and gives each row that opens in its place. No
// damage ends it: a page that is not what it should be is left out, and what else lies on pages
// that nothing leads to is looked for page by page.
type salvager struct {
	file   *boltfile.PageFile
	pages  uint64 // that are really there
	bad    int    // pages that the tree leads to and that can't be read
	sealer *keyring.Sealer
	give   func(Salvaged) error
}

// salvage reads f. The header comes first, then the keys; without them nothing can be read, which
// is an error.
func salvage(f *os.File, kek keyring.Key, give func(Salvaged) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m := salvageMeta(f, info.Size())
	s := &salvager{
		file:  boltfile.NewPageFile(f, m),
		pages: uint64(info.Size()) / uint64(m.PageSize),
		give:  give,
	}
	buckets := s.buckets()
	if err := s.openKeys(buckets, kek); err != nil {
		return err
	}
	if err := s.walkBuckets(buckets); err != nil {
		return err
	}
	if s.bad > 0 || len(buckets) < int(format.BucketCount) {
		if err := s.searchPages(); err != nil {
			return err
		}
	}
	return give(Salvaged{Kind: SalvagedEnd})
}

// salvageMeta returns the newest meta that is whole, however long the file is. Where there is none
// every page is searched.
func salvageMeta(f io.ReaderAt, size int64) boltfile.Meta {
	first, second, pageSize := boltfile.ReadMetas(f, size)
	a, aWhole := boltfile.ParseMeta(first)
	b, bWhole := boltfile.ParseMeta(second)
	switch {
	case bWhole && (!aWhole || b.Tx > a.Tx):
		return b
	case aWhole:
		return a
	}
	return boltfile.Meta{PageSize: uint32(pageSize), Pages: max(uint64(size/pageSize), 3)}
}

// buckets reads the tree of buckets, as far as it is readable.
func (s *salvager) buckets() map[string]verify.BucketValue {
	found := map[string]verify.BucketValue{}
	_ = s.Walk(s.file.Meta.Root, 0, func(e boltfile.Leaf) error {
		// the function gives no error, so none comes
		if value, err := verify.ParseBucketValue(e.Value); err == nil && e.IsBucket {
			found[string(e.Key)] = value
		}
		return nil
	})
	return found
}

// openKeys finds the header and the keys: where they belong, or in an older copy of the page that
// has them.
func (s *salvager) openKeys(buckets map[string]verify.BucketValue, kek keyring.Key) error {
	var wrong error
	try := func(buckets map[string]verify.BucketValue) bool {
		h, rows := s.keyRows(buckets)
		if h == nil {
			return false
		}
		ring, err := keyring.UnwrapKeyring(rows, kek, h.Database)
		if !h.CheckKEK(kek) {
			wrong = format.ErrWrongKey
		}
		if err != nil {
			return false
		}
		s.sealer = &keyring.Sealer{Ring: ring}
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
func (s *salvager) keyRows(buckets map[string]verify.BucketValue) (h *keyring.Header,
	rows map[uint32][]byte,
) {
	_ = s.visit(buckets, format.NameMeta, func(e boltfile.Leaf) error {
		if parsed, err := keyring.ParseHeader(e.Value); err == nil &&
			string(e.Key) == keyring.HeaderKey {
			h = &parsed
		}
		return nil
	})
	rows = map[uint32][]byte{}
	_ = s.visit(buckets, format.NameKeys, func(e boltfile.Leaf) error {
		if len(e.Key) == 4 {
			rows[binary.BigEndian.Uint32(e.Key)] = bytes.Clone(e.Value)
		}
		return nil
	})
	return h, rows
}

func (s *salvager) giveKeys(h *keyring.Header, rows map[uint32][]byte) error {
	if err := s.give(Salvaged{Kind: SalvagedHeader, Value: h.Marshal()}); err != nil {
		return err
	}
	for version, row := range rows {
		if err := s.give(Salvaged{
			Kind:  SalvagedKey,
			Key:   binary.BigEndian.AppendUint32(nil, version),
			Value: row,
		}); err != nil {
			return err
		}
	}
	return nil
}

// eachOldRoot offers the buckets of every leaf page that has a bucket of keys in it, until one is
// taken.
func (s *salvager) eachOldRoot(try func(map[string]verify.BucketValue) bool) bool {
	for id := uint64(2); id < s.pages; id++ {
		found := map[string]verify.BucketValue{}
		_ = s.readLeaf(id, func(e boltfile.Leaf) error {
			if value, err := verify.ParseBucketValue(e.Value); err == nil && e.IsBucket &&
				value.Inline != nil {
				found[string(e.Key)] = value
			}
			return nil
		})
		if _, ok := found[format.NameKeys]; ok && try(found) {
			return true
		}
	}
	return false
}

// walkBuckets returns the ledger and the rows that the tree leads to.
func (s *salvager) walkBuckets(buckets map[string]verify.BucketValue) error {
	err := s.visit(buckets, format.NameLedger, func(e boltfile.Leaf) error {
		if _, err := s.sealer.Open(format.NameLedger, e.Key, e.Value); err != nil {
			return nil //nolint:nilerr // it is lost, and the ledger is made anew
		}
		return s.give(Salvaged{Kind: SalvagedLedger, Value: e.Value})
	})
	for b := range format.BucketCount {
		if err != nil {
			return err
		}
		err = s.visit(buckets, b.String(), func(e boltfile.Leaf) error {
			return s.row(b, e, false)
		})
	}
	return err
}

// row returns a row that opens. Rows of orders are left out.
func (s *salvager) row(b format.BucketID, e boltfile.Leaf, stray bool) error {
	if e.IsBucket || b.IsOrder() {
		return nil
	}
	if _, err := s.sealer.Open(b.String(), e.Key, e.Value); err != nil {
		return nil //nolint:nilerr // it is lost
	}
	return s.give(Salvaged{Kind: SalvagedRow, Where: b, Stray: stray, Key: e.Key, Value: e.Value})
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

// Stray finds out by opening where a row belongs.
func (s *salvager) stray(e boltfile.Leaf) error {
	if e.IsBucket {
		value, err := verify.ParseBucketValue(e.Value)
		if err != nil || value.Inline == nil {
			return nil //nolint:nilerr // no rows can be found here
		}
		return eachElement(value.Inline, s.stray)
	}
	for b := range format.BucketCount {
		if err := s.row(b, e, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvager) freePages() map[uint64]bool {
	free := map[uint64]bool{}
	page, err := s.page(s.file.Meta.Freelist)
	if err != nil || binary.NativeEndian.Uint16(page[8:]) != boltfile.FlagFreelist {
		return free
	}
	ids, count := page[boltfile.PageHeaderBytes:], uint64(binary.NativeEndian.Uint16(page[10:]))
	if count == 0xffff {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	for i := range min(count, uint64(len(ids)/8)) {
		free[binary.NativeEndian.Uint64(ids[8*i:])] = true
	}
	return free
}

// visit walks one bucket, if it was found.
func (s *salvager) visit(buckets map[string]verify.BucketValue, name string,
	visit func(boltfile.Leaf) error,
) error {
	bucket, ok := buckets[name]
	switch {
	case !ok:
		return nil
	case bucket.Inline != nil:
		return eachElement(bucket.Inline, visit)
	}
	return s.Walk(bucket.Root, 0, visit)
}

// Walk visits the elements of a tree, and leaves out what it can't read.
func (s *salvager) Walk(id uint64, depth int, visit func(boltfile.Leaf) error) error {
	if depth > boltfile.MaxDepth || s.isSeen(id) {
		return nil
	}
	page, err := s.page(id)
	if err != nil {
		s.bad++
		return nil //nolint:nilerr // it is lost, with all that lies below it
	}
	s.file.Seen[id/64] |= 1 << (id % 64)
	switch binary.NativeEndian.Uint16(page[8:]) {
	case boltfile.FlagLeaf:
		return eachElement(slices.Clone(page), visit)
	case boltfile.FlagBranch:
		return s.walkBranch(slices.Clone(page), depth, visit)
	}
	s.bad++
	return nil
}

func (s *salvager) walkBranch(page []byte, depth int, visit func(boltfile.Leaf) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	for i := range min(count, (len(page)-boltfile.PageHeaderBytes)/boltfile.BranchElementSize) {
		child := binary.NativeEndian.Uint64(page[boltfile.PageHeaderBytes+
			i*boltfile.BranchElementSize+8:])
		if err := s.Walk(child, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

// readLeaf visits the elements of a page that is a leaf by its own word.
func (s *salvager) readLeaf(id uint64, visit func(boltfile.Leaf) error) error {
	page, err := s.page(id)
	if err != nil || binary.NativeEndian.Uint16(page[8:]) != boltfile.FlagLeaf {
		return nil //nolint:nilerr // it is something else
	}
	return eachElement(slices.Clone(page), visit)
}

// eachElement visits the elements of a leaf page that lie inside of it, in whatever order.
func eachElement(page []byte, visit func(boltfile.Leaf) error) error {
	if len(page) < boltfile.PageHeaderBytes {
		return nil
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	for i := range min(count, (len(page)-boltfile.PageHeaderBytes)/boltfile.LeafElementBytes) {
		e, err := boltfile.LeafElement(page, boltfile.PageHeaderBytes+i*boltfile.LeafElementBytes)
		if err != nil || len(e.Key) == 0 {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvager) isSeen(id uint64) bool {
	return id/64 >= uint64(len(s.file.Seen)) || s.file.Seen[id/64]&(1<<(id%64)) != 0
}

// page reads a page with its overflow, wherever it was reached from.
func (s *salvager) page(id uint64) ([]byte, error) {
	if id < 2 || id >= s.pages {
		return nil, fmt.Errorf("page %d is outside of the file", id)
	}
	page, err := s.file.ReadPages(id, 1)
	if err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id || id+overflow >= s.pages {
		return nil, fmt.Errorf("page %d is not what it says", id)
	}
	return s.file.ReadPages(id, 1+overflow)
}
