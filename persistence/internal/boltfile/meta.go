package boltfile

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

type Meta struct {
	PageSize              uint32
	Root, Freelist, Pages uint64
	Tx                    uint64
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

// ParseMeta reads a meta; ok reports whether it is whole.
func ParseMeta(b []byte) (m Meta, ok bool) {
	m = Meta{
		PageSize: binary.NativeEndian.Uint32(b[8:]),
		Root:     binary.NativeEndian.Uint64(b[16:]), Freelist: binary.NativeEndian.Uint64(b[32:]),
		Pages: binary.NativeEndian.Uint64(b[40:]), Tx: binary.NativeEndian.Uint64(b[48:]),
	}
	whole := binary.NativeEndian.Uint32(b) == metaMagic &&
		binary.NativeEndian.Uint32(b[4:]) == metaVersion &&
		binary.NativeEndian.Uint64(b[metaSum:]) == metaSumOf(b)
	return m, whole && m.PageSize >= 1024 && m.PageSize <= 1<<24 && m.Pages > 2
}

// Append is the counterpart of ParseMeta.
func (m *Meta) Append(to []byte) []byte {
	b := binary.NativeEndian.AppendUint32(make([]byte, 0, metaBytes), metaMagic)
	b = binary.NativeEndian.AppendUint32(b, metaVersion)
	b = binary.NativeEndian.AppendUint32(b, m.PageSize)
	b = binary.NativeEndian.AppendUint32(b, 0) // flags
	for _, number := range []uint64{m.Root, 0, m.Freelist, m.Pages, m.Tx} {
		b = binary.NativeEndian.AppendUint64(b, number)
	}
	return append(to, binary.NativeEndian.AppendUint64(b, metaSumOf(b))...)
}

// ChooseMeta returns the meta of the newest commit. Where one of the two is not whole, it was being
// written when the power failed, and that commit was never acknowledged; or it was altered later,
// and to go back to the other one would lose an acknowledged commit. A meta lies inside one sector:
// a write that fails leaves the old one, the new one, or at worst the front of one and the back of
// the other.
func ChooseMeta(f io.ReaderAt, size int64) (newest Meta, err error) {
	first, second, pageSize := ReadMetas(f, size)
	a, aWhole := ParseMeta(first)
	b, bWhole := ParseMeta(second)
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
	case b.Tx > a.Tx:
		a = b
	}
	if short := fits(a, pageSize, size); short != nil {
		return a, short
	}
	return a, err
}

func fits(m Meta, pageSize, size int64) error {
	if int64(m.PageSize) != pageSize || m.Pages > uint64(size/pageSize) {
		return fmt.Errorf("it is cut short: %d bytes for %d pages", size, m.Pages)
	}
	return nil
}

func hasMagic(b []byte) bool { return binary.NativeEndian.Uint32(b) == metaMagic }

// ReadMetas returns both metas and the page size, which is what puts the second where it is. Zeros
// stand for what can't be read.
func ReadMetas(f io.ReaderAt, size int64) (first, second []byte, pageSize int64) {
	first = readMeta(f, 0)
	if m, ok := ParseMeta(first); ok {
		return first, readMeta(f, int64(m.PageSize)), int64(m.PageSize)
	}
	for pageSize = 1024; pageSize < min(size, 1<<24); pageSize *= 2 {
		second = readMeta(f, pageSize)
		if m, ok := ParseMeta(second); ok && int64(m.PageSize) == pageSize {
			return first, second, pageSize
		}
	}
	pageSize = int64(os.Getpagesize())
	return first, readMeta(f, pageSize), pageSize
}

func readMeta(f io.ReaderAt, at int64) []byte {
	b := make([]byte, metaBytes)
	if _, err := f.ReadAt(b, at+PageHeaderBytes); err != nil {
		clear(b)
	}
	return b
}

// lost returns an error where b, which is not whole, may have been newer than the meta that is:
// where one byte makes it whole and newer, or where even the part that all metas of a file share is
// destroyed, which no half-done write does.
func lost(b, whole []byte) error {
	m, _ := ParseMeta(whole)
	try := make([]byte, metaBytes)
	for i := range metaBytes {
		copy(try, b)
		for n := 1; n < 256; n++ {
			try[i] = b[i] ^ byte(n)
			if mended, ok := ParseMeta(try); ok && mended.Tx > m.Tx {
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
