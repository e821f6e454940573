package persistence

import "sync"

// What a run prints passes through memory in pieces, and a hundred runs at once print a hundred
// megabytes a second. The buffers for that are used again, or most of the agent's memory would be
// what the collector has not come to yet.

// pooledFrom is the size from which a piece has one of the large buffers. Short outputs, which may
// wait for long, have what they need.
const pooledFrom = 8 << 10

// pieceBuffers are the buffers of pieces that wait to be written.
type pieceBuffers struct{ pool sync.Pool } // of *[maxPieceBytes]byte

// room returns data with room for n bytes more. data, if it has to move, is not used any more.
func (b *pieceBuffers) room(data []byte, n int) []byte {
	size := len(data) + n
	if size <= cap(data) || size < pooledFrom || size > maxPieceBytes {
		return data
	}
	buf, ok := b.pool.Get().(*[maxPieceBytes]byte)
	if !ok {
		buf = new([maxPieceBytes]byte)
	}
	return append(buf[:0], data...)
}

// Put takes back the data of a piece that was written.
func (b *pieceBuffers) Put(data []byte) {
	if cap(data) == maxPieceBytes {
		b.pool.Put((*[maxPieceBytes]byte)(data[:maxPieceBytes]))
	}
}

// frameBuffers are those in which frames are sealed.
type frameBuffers struct{ pool sync.Pool } // of *[]byte

func (b *frameBuffers) get(size int) *[]byte {
	if buf, ok := b.pool.Get().(*[]byte); ok && cap(*buf) >= size {
		return buf
	}
	buf := make([]byte, 0, size)
	return &buf
}

func (b *frameBuffers) Put(buf *[]byte) { b.pool.Put(buf) }
