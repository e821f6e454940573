package boltfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
)

// databaseWriter writes a bbolt file from its front to its end, without a free page in it: what is
// copied in the order of its keys needs no transactions, which would search, copy and write the
// same pages again and again. The layout is that which reader.go reads.
type databaseWriter struct {
	file     *os.File
	out      *bufio.Writer
	pageSize int
	next     uint64 // page
	page     []byte // that was written last
}

// writeTogether is how many bytes go to the file at a time.
const writeTogether = 256 << 10

func NewDatabaseWriter(file *os.File) (*databaseWriter, error) {
	w := &databaseWriter{
		file:     file,
		out:      bufio.NewWriterSize(file, writeTogether),
		pageSize: os.Getpagesize(),
		next:     2,
	}
	_, err := w.out.Write(make([]byte, 2*w.pageSize)) // the metas come last
	return w, err
}

// fill is how many bytes of a page are used.
func (w *databaseWriter) fill() int { return int(pageFill * float64(w.pageSize)) }

// Tree begins a tree. Those of all buckets are written one after the other, and then the one of the
// buckets themselves.
func (w *databaseWriter) Tree() *TreeWriter { return &TreeWriter{file: w} }

// write writes a page with its overflow.
func (w *databaseWriter) write(p *pageBuilder, isLeaf bool) (id uint64, err error) {
	count := (p.size() + w.pageSize - 1) / w.pageSize
	w.page = p.Append(w.page[:0], w.next, uint32(count-1), isLeaf)
	return w.writePage(count)
}

func (w *databaseWriter) writePage(count int) (id uint64, err error) {
	for rest := count*w.pageSize - len(w.page); rest > 0; rest-- {
		w.page = append(w.page, 0)
	}
	id = w.next
	w.next += uint64(count)
	_, err = w.out.Write(w.page)
	return id, err
}

// Finish writes the list of free pages, which is empty, and both metas: that of the transaction tx,
// and as the one before it the same.
func (w *databaseWriter) Finish(root, tx uint64) error {
	w.page = appendPageHeader(w.page[:0], w.next, FlagFreelist, 0, 0)
	freelist, err := w.writePage(1)
	if err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	m := Meta{PageSize: uint32(w.pageSize), Root: root, Freelist: freelist, Pages: w.next}
	for _, m.Tx = range []uint64{tx, max(tx, 1) - 1} {
		if err := w.writeMeta(m); err != nil {
			return err
		}
	}
	return nil
}

func (w *databaseWriter) writeMeta(m Meta) error {
	id := m.Tx % 2
	page := appendPageHeader(nil, id, flagMeta, 0, 0)
	if _, err := w.file.WriteAt(m.Append(page), int64(id)*int64(w.pageSize)); err != nil {
		return fmt.Errorf("write a meta: %w", err)
	}
	return nil
}

func appendPageHeader(to []byte, id uint64, flags, count uint16, overflow uint32) []byte {
	to = binary.NativeEndian.AppendUint64(to, id)
	to = binary.NativeEndian.AppendUint16(to, flags)
	to = binary.NativeEndian.AppendUint16(to, count)
	return binary.NativeEndian.AppendUint32(to, overflow)
}
