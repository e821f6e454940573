package format

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// container is the file: docs/storage.md, Container. This reader is for machines of the
// little-endian kind.
type container struct {
	file     []byte
	pageSize uint64
	root     uint64
}

type element struct {
	key, value []byte
	isBucket   bool
}

func openContainer(file []byte) (c container, err error) {
	var newest uint64
	for _, size := range []uint64{4096, 8192, 16384, 65536} {
		for _, at := range []uint64{0, size} {
			tx, root, ok := metaPage(file, at, size)
			if ok && (c.file == nil || tx > newest) {
				c, newest = container{file: file, pageSize: size, root: root}, tx
			}
		}
		if c.file != nil {
			return c, nil
		}
	}
	return c, fmt.Errorf("no meta page is whole")
}

func metaPage(file []byte, at, size uint64) (tx, root uint64, ok bool) {
	if at+16+64 > uint64(len(file)) {
		return 0, 0, false
	}
	m := file[at+16:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:56])
	ok = binary.LittleEndian.Uint32(m) == 0xED0CDAED && binary.LittleEndian.Uint32(m[4:]) == 2 &&
		uint64(binary.LittleEndian.Uint32(m[8:])) == size &&
		binary.LittleEndian.Uint64(m[56:]) == sum.Sum64()
	return binary.LittleEndian.Uint64(m[48:]), binary.LittleEndian.Uint64(m[16:]), ok
}

// page returns a page with its overflow.
func (c container) page(id uint64) []byte {
	begin := id * c.pageSize
	overflow := uint64(binary.LittleEndian.Uint32(c.file[begin+12:]))
	return c.file[begin : begin+(1+overflow)*c.pageSize]
}

// walk returns the elements of a tree in order.
func (c container) walk(page []byte) (all []element) {
	kind, count := binary.LittleEndian.Uint16(page[8:]), int(binary.LittleEndian.Uint16(page[10:]))
	for i := range count {
		at := uint32(16 + 16*i)
		e := page[at:]
		if kind == 1 {
			all = append(all, c.walk(c.page(binary.LittleEndian.Uint64(e[8:])))...)
			continue
		}
		key := at + binary.LittleEndian.Uint32(e[4:])
		value := key + binary.LittleEndian.Uint32(e[8:])
		all = append(all, element{
			key: page[key:value], value: page[value : value+binary.LittleEndian.Uint32(e[12:])],
			isBucket: binary.LittleEndian.Uint32(e)&1 != 0,
		})
	}
	return all
}

// buckets returns all buckets by their names.
func (c container) buckets() map[string][]element {
	all := map[string][]element{}
	for _, e := range c.walk(c.page(c.root)) {
		if root := binary.LittleEndian.Uint64(e.value); root != 0 {
			all[string(e.key)] = c.walk(c.page(root))
		} else {
			all[string(e.key)] = c.walk(e.value[16:])
		}
	}
	return all
}
