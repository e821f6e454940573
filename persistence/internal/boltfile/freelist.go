package boltfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// FreeBytes returns how much of a closed database's file is not in use, and the file's size. The
// file was verified before.
func FreeBytes(path string) (free, size int64, err error) {
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
	m, err := ChooseMeta(f, size)
	if err != nil {
		return 0, size, err
	}
	var head [PageHeaderBytes + 8]byte
	if _, err := f.ReadAt(head[:], int64(m.Freelist)*int64(m.PageSize)); err != nil {
		return 0, size, fmt.Errorf("look for free pages: %w", err)
	}
	count := uint64(binary.NativeEndian.Uint16(head[10:]))
	if count == 0xffff { // as in ClaimFree
		count = binary.NativeEndian.Uint64(head[PageHeaderBytes:])
	}
	used := int64(m.Pages-min(count, m.Pages)) * int64(m.PageSize)
	return size - used, size, nil
}
