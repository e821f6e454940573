package actors

import "time"

// How fast the pace comes back after the server has slowed it.
const (
	// sizeMemory is how long a size that was too large is not tried again.
	sizeMemory = time.Minute
	// crowdMemory is after how long without a rejection the server is taken to have room again.
	crowdMemory = time.Minute
	// widenAfter is after how many deliveries for as many indices as are allowed one more is tried.
	widenAfter = 4
	// crowdedRows is what a crowded server that takes some of a batch is sent at least.
	crowdedRows = 500
)

// pace is how much is sent at a time, as the server has shown that it takes. A server's queues
// count a request by its shards and not by its documents: one that is crowded gets documents for
// fewer indices at a time, as many as it took, and few documents only where it takes next to
// nothing.
type pace struct {
	rows      int       // at most in a batch
	bytes     int       // before compression; one document may be larger
	indices   int       // that a batch has documents for; 0: any number
	refused   int       // limit or size of what was too large a while ago; 0: nothing was
	refusedAt time.Time // when
	crowdedAt time.Time // when the server had too much to do
	calm      int       // deliveries for as many indices as were allowed
}

func fullPace() pace { return pace{rows: maxBatchRows, bytes: maxBatchSize} }

// full reports whether the server takes as much as there is: then more than one delivery may be
// under way.
func (p *pace) full() bool { return p.rows == maxBatchRows && p.indices == 0 }

// tooLarge notes that a request of so many bytes, of a delivery that was to keep to limit, was too
// large.
func (p *pace) tooLarge(sent, limit int, now time.Time) {
	if least := min(sent, limit); p.refused == 0 || least < p.refused {
		p.refused = least
	}
	p.refusedAt = now
	p.cut(sent, limit)
}

// cut halves the size. Of two deliveries that were under way with the same limit the second changes
// nothing.
func (p *pace) cut(sent, limit int) { p.bytes = min(p.bytes, max(min(sent, limit)/2, 1)) }

// crowd is what a server that has too much to do took of a batch.
type crowd struct{ rows, takenRows, indices, takenIndices int }

// crowded makes the next batch one that the server may take whole.
func (p *pace) crowded(c crowd, now time.Time) {
	p.crowdedAt, p.calm = now, 0
	least := probeRows
	if c.takenIndices > 0 {
		least = crowdedRows
	}
	if 4*c.takenRows < c.rows {
		p.rows = min(p.rows, max(c.rows/2, least))
	}
	most := c.takenIndices
	if most == 0 || most == c.indices {
		most = c.indices / 2
	}
	if most = max(most, 1); p.indices == 0 || most < p.indices {
		p.indices = most
	}
}

// took notes that all of a batch was taken; narrowed, that there were documents for more indices
// than it was allowed.
func (p *pace) took(narrowed bool, now time.Time) {
	p.rows = min(2*p.rows, maxBatchRows)
	if now.Sub(p.refusedAt) >= sizeMemory {
		p.refused = 0
	}
	if larger := min(2*p.bytes, maxBatchSize); p.refused == 0 || larger < p.refused {
		p.bytes = larger
	}
	if narrowed {
		p.calm++
	}
	switch {
	case now.Sub(p.crowdedAt) >= crowdMemory:
		p.indices = 0
	case p.calm >= widenAfter:
		p.indices, p.calm = p.indices+1, 0
	}
}
