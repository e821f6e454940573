package sqlite

import (
	"encoding/binary"
	"errors"
)

// The kinds of page that a table's tree has. Source: https://www.sqlite.org/fileformat2.html, 1.6.
const (
	interiorPage = 0x05
	leafPage     = 0x0d
)

// checkSchemaSize counts what the schema lists, before SQLite takes all of it into memory. Its tree
// begins on the first page; where pages are small, that one holds the numbers of the pages that
// have the entries.
func (s *source) checkSchemaSize(pageSize int64) error {
	root, err := s.page(1, pageSize)
	if err != nil {
		return err
	}
	leaves, err := childrenOf(root, 100)
	if err != nil {
		return err
	}
	entries := 0
	if leaves == nil {
		entries = cellsOf(root[100:])
	}
	for _, number := range leaves {
		page, err := s.page(number, pageSize)
		switch {
		case err != nil:
			return err
		case page[0] != leafPage:
			return errManyTables
		}
		entries += cellsOf(page)
	}
	if entries > mostTables {
		return errManyTables
	}
	return nil
}

// page reads a page as SQLite shall see it.
func (s *source) page(number uint32, size int64) ([]byte, error) {
	page := make([]byte, size)
	if _, err := s.file.ReadAt(page, (int64(number)-1)*size); err != nil || number == 0 {
		return nil, errors.New("its schema is damaged")
	}
	if s.shifted {
		shift(page, shiftBy)
	}
	return page, nil
}

func cellsOf(header []byte) int { return int(binary.BigEndian.Uint16(header[3:])) }

// childrenOf returns the pages below an interior page, whose header is at an offset; nil of a leaf.
func childrenOf(page []byte, at int) ([]uint32, error) {
	header := page[at:]
	n := cellsOf(header)
	switch {
	case header[0] == leafPage:
		return nil, nil
	case header[0] != interiorPage || n > mostTables || len(header) < 12+2*n:
		return nil, errManyTables
	}
	children := []uint32{binary.BigEndian.Uint32(header[8:])}
	for i := range n {
		cell := int(binary.BigEndian.Uint16(header[12+2*i:]))
		if cell+4 > len(page) {
			return nil, errors.New("its schema is damaged")
		}
		children = append(children, binary.BigEndian.Uint32(page[cell:]))
	}
	return children, nil
}
