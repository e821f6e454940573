package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The meta page of bbolt, behind the page header: magic 4, version 4, page size 4, flags 4, root
// page 8, sequence 8, page of the free list 8, number of pages 8, transaction 8, FNV-1a of all that
// 8.
const (
	metaBytes   = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSum     = 56
	metaShared  = 16 // magic, version, page size, flags
)

type meta struct {
	pageSize              uint32
	root, freelist, pages uint64
	tx                    uint64
}

var (
	errNoMeta   = errors.New("neither of its meta pages is whole")
	errLostMeta = errors.New("one of its meta pages is altered, and may have been the newer one")
)

func metaSumOf(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b[:metaSum])
	return h.Sum64()
}

// parseMeta reads a meta; ok reports whether it is whole.
func parseMeta(b []byte) (m meta, ok bool) {
	m = meta{
		pageSize: binary.NativeEndian.Uint32(b[8:]),
		root:     binary.NativeEndian.Uint64(b[16:]), freelist: binary.NativeEndian.Uint64(b[32:]),
		pages: binary.NativeEndian.Uint64(b[40:]), tx: binary.NativeEndian.Uint64(b[48:]),
	}
	whole := binary.NativeEndian.Uint32(b) == metaMagic &&
		binary.NativeEndian.Uint32(b[4:]) == metaVersion &&
		binary.NativeEndian.Uint64(b[metaSum:]) == metaSumOf(b)
	return m, whole && m.pageSize >= 1024 && m.pageSize <= 1<<24 && m.pages > 2
}

// append is the counterpart of parseMeta.
func (m *meta) append(to []byte) []byte {
	b := binary.NativeEndian.AppendUint32(make([]byte, 0, metaBytes), metaMagic)
	b = binary.NativeEndian.AppendUint32(b, metaVersion)
	b = binary.NativeEndian.AppendUint32(b, m.pageSize)
	b = binary.NativeEndian.AppendUint32(b, 0) // flags
	for _, number := range []uint64{m.root, 0, m.freelist, m.pages, m.tx} {
		b = binary.NativeEndian.AppendUint64(b, number)
	}
	return append(to, binary.NativeEndian.AppendUint64(b, metaSumOf(b))...)
}

// chooseMeta returns the meta of the newest commit. Where one of the two is not whole, it was being
// written when the power failed, and that commit was never acknowledged; or it was altered later,
// and to go back to the other one would lose an acknowledged commit. A meta lies inside one sector:
// a write that fails leaves the old one, the new one, or at worst the front of one and the back of
// the other.
func chooseMeta(f io.ReaderAt, size int64) (newest meta, err error) {
	first, second, pageSize := readMetas(f, size)
	a, aWhole := parseMeta(first)
	b, bWhole := parseMeta(second)
	switch {
	case !aWhole && !bWhole:
		if !hasMagic(first) && !hasMagic(second) {
			return a, ErrForeign
		}
		return a, errNoMeta
	case !aWhole:
		err = lost(first, second)
		a = b
	case !bWhole:
		err = lost(second, first)
	case b.tx > a.tx:
		a = b
	}
	if short := fits(a, pageSize, size); short != nil {
		return a, short
	}
	return a, err
}

func fits(m meta, pageSize, size int64) error {
	if int64(m.pageSize) != pageSize || m.pages > uint64(size/pageSize) {
		return fmt.Errorf("it is cut short: %d bytes for %d pages", size, m.pages)
	}
	return nil
}

func hasMagic(b []byte) bool { return binary.NativeEndian.Uint32(b) == metaMagic }

// readMetas returns both metas and the page size, which is what puts the second where it is. Zeros
// stand for what can't be read.
func readMetas(f io.ReaderAt, size int64) (first, second []byte, pageSize int64) {
	first = readMeta(f, 0)
	if m, ok := parseMeta(first); ok {
		return first, readMeta(f, int64(m.pageSize)), int64(m.pageSize)
	}
	for pageSize = 1024; pageSize < min(size, 1<<24); pageSize *= 2 {
		second = readMeta(f, pageSize)
		if m, ok := parseMeta(second); ok && int64(m.pageSize) == pageSize {
			return first, second, pageSize
		}
	}
	pageSize = int64(os.Getpagesize())
	return first, readMeta(f, pageSize), pageSize
}

func readMeta(f io.ReaderAt, at int64) []byte {
	b := make([]byte, metaBytes)
	if _, err := f.ReadAt(b, at+pageHeaderBytes); err != nil {
		clear(b)
	}
	return b
}

// lost returns an error where b, which is not whole, may have been newer than the meta that is:
// where one byte makes it whole and newer, or where even the part that all metas of a file share is
// destroyed, which no half-done write does.
func lost(b, whole []byte) error {
	m, _ := parseMeta(whole)
	try := make([]byte, metaBytes)
	for i := range metaBytes {
		copy(try, b)
		for n := 1; n < 256; n++ {
			try[i] = b[i] ^ byte(n)
			if mended, ok := parseMeta(try); ok && mended.tx > m.tx {
				return errLostMeta
			} else if ok {
				return nil
			}
		}
	}
	if !bytes.Equal(b[:metaShared], whole[:metaShared]) {
		return errLostMeta
	}
	return nil
}

// ErrForeign means that a file is something else than a database of this program.
var ErrForeign = errors.New("not a Gusty database")
