package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// freeBytes returns how much of a closed database's file is not in use, and the file's size. The
// file was verified before.
func freeBytes(path string) (free, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("look for free pages: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("look for free pages: %w", err)
	}
	size = info.Size()
	m, err := chooseMeta(f, size)
	if err != nil {
		return 0, size, err
	}
	var head [pageHeaderBytes + 8]byte
	if _, err := f.ReadAt(head[:], int64(m.freelist)*int64(m.pageSize)); err != nil {
		return 0, size, fmt.Errorf("look for free pages: %w", err)
	}
	count := uint64(binary.NativeEndian.Uint16(head[10:]))
	if count == 0xffff { // as in claimFree
		count = binary.NativeEndian.Uint64(head[pageHeaderBytes:])
	}
	used := int64(m.pages-min(count, m.pages)) * int64(m.pageSize)
	return size - used, size, nil
}
