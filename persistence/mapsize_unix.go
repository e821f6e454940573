//go:build !windows

package persistence

import "math/bits"

// initialMapBytes is address space, not memory: a file that grows within it is not mapped anew,
// which would wait for all readers.
const initialMapBytes = 32 << 20 << (bits.UintSize / 64 * 3)
