package api

import "sync"

// budget bounds the memory of all bodies, of requests or of answers, that are under way together.
// Strangers, who have shown no valid credentials, share a quarter of it, so that they cannot use up
// what belongs to others.
type budget struct {
	most int // bytes

	mu        sync.Mutex
	taken     int
	strangers int  // of taken
	importing bool // whether the place for an import is taken
}

// reservation is what one request holds of a budget.
type reservation struct {
	from     *budget
	bytes    int
	stranger bool
	place    bool // the one for an import, which is no part of the bytes
}

// take returns a reservation of so many bytes, or nil where there is no room.
func (b *budget) take(bytes int, stranger bool) *reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes > b.most-b.taken || stranger && bytes > b.most/4-b.strangers {
		return nil
	}
	b.taken += bytes
	if stranger {
		b.strangers += bytes
	}
	return &reservation{from: b, bytes: bytes, stranger: stranger}
}

// overdraw returns a reservation of so many bytes, whether there is room or not: for what is there
// already.
func (b *budget) overdraw(bytes int) *reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken += bytes
	return &reservation{from: b, bytes: bytes}
}

// exhausted reports whether nothing is left.
func (b *budget) exhausted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken >= b.most
}

// takePlace returns a reservation of the one place for an import, or nil where another one holds
// it.
func (b *budget) takePlace() *reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.importing {
		return nil
	}
	b.importing = true
	return &reservation{from: b, place: true}
}

// release ends the reservation. It must be called once; nil holds nothing.
func (r *reservation) release() {
	if r == nil {
		return
	}
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	r.from.taken -= r.bytes
	switch {
	case r.place:
		r.from.importing = false
	case r.stranger:
		r.from.strangers -= r.bytes
	}
}

// held returns how many bytes are reserved, and whether an import holds its place.
func (b *budget) held() (bytes int, importing bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken, b.importing
}
