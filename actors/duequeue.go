package actors

import "container/heap"

// dueQueue is a heap of items by due time; of equal times the one that was put first comes first.
// An item knows its own place, so that it can be moved or removed in O(log n).
type dueQueue[T dueItem] struct {
	items []T
	count uint64
}

// dueItem is what a dueQueue holds: a pointer to something with a dueSlot in it.
type dueItem interface{ slot() *dueSlot }

// dueSlot is an item's place in the queue. The zero value is in no queue.
type dueSlot struct {
	due    int64  // Unix time in nanoseconds
	order  uint64 // of its putting
	placed int32  // index + 1
}

func (s *dueSlot) slot() *dueSlot { return s }

// queued reports whether the item is in a queue.
func (s *dueSlot) queued() bool { return s.placed != 0 }

// put adds the item, or moves it to its new due time.
func (q *dueQueue[T]) put(item T, due int64) {
	s := item.slot()
	s.due = due
	q.count++
	s.order = q.count
	if s.queued() {
		heap.Fix((*dueHeap[T])(q), int(s.placed-1))
		return
	}
	heap.Push((*dueHeap[T])(q), item)
}

// remove takes the item out, if it is in.
func (q *dueQueue[T]) remove(item T) {
	if s := item.slot(); s.queued() {
		heap.Remove((*dueHeap[T])(q), int(s.placed-1))
	}
}

// head returns the item that is due first.
func (q *dueQueue[T]) head() (item T, ok bool) {
	if len(q.items) == 0 {
		return item, false
	}
	return q.items[0], true
}

func (q *dueQueue[T]) len() int { return len(q.items) }

// dueHeap is a dueQueue as container/heap sees it.
type dueHeap[T dueItem] dueQueue[T]

func (h *dueHeap[T]) Len() int { return len(h.items) }

func (h *dueHeap[T]) Less(i, j int) bool {
	a, b := h.items[i].slot(), h.items[j].slot()
	if a.due != b.due {
		return a.due < b.due
	}
	return a.order < b.order
}

func (h *dueHeap[T]) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	//nolint:gosec // far fewer than 2^31 items
	h.items[i].slot().placed, h.items[j].slot().placed = int32(i+1), int32(j+1)
}

func (h *dueHeap[T]) Push(x any) {
	item := x.(T) //nolint:forcetypeassert // only put pushes
	h.items = append(h.items, item)
	item.slot().placed = int32(len(h.items)) //nolint:gosec // far fewer than 2^31 items
}

func (h *dueHeap[T]) Pop() any {
	last := len(h.items) - 1
	item := h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	item.slot().placed = 0
	return item
}
