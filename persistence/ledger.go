package persistence

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"time"
)

// digest is what the ledger says of one bucket: how many rows, and the sum of their hashes modulo
// 2^256. Rows that vanish, come back or change places without the ledger's key do not add up.
type digest struct {
	rows uint64
	sum  [4]uint64 // least significant word first
}

func (d *digest) add(h *[sha256.Size]byte) {
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
	d.rows++
}

func (d *digest) remove(h *[sha256.Size]byte) {
	var borrow uint64
	for i := range d.sum {
		d.sum[i], borrow = bits.Sub64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), borrow)
	}
	d.rows--
}

// ledger is the sealed row that every transaction rewrites: the digests of all buckets, and the
// counters that would else need a scan.
type ledger struct {
	digests      [bucketCount]digest
	seals        uint64 // values sealed with the current data key
	lastDocument uint64 // sequence of the newest outbox row that ever was
	outboxBytes  uint64 // records that wait
	shipped      uint64
	refused      uint64
	dropped      uint64
	runBytes     uint64 // of all runs: their rows, their entries in the orders, their output files
	runsOver     uint64 // runs that lists have beyond what they keep
	apartBytes   uint64 // of runBytes, what the runs take that did not run
	newestRan    runKey // of the runs that ran and have ended: it stays
	runsCounted  bool   // the four above are true, and so are the lists; earlier versions lack them
	rotation     rotation
	generation   uint64 // transactions that there ever were
	dead         uint64 // dead letters among the rows of the outbox
	deadBytes    uint64
	loss         loss
	// when an agent, no tool, made a transaction last; zero: none did, or one of an earlier version
	alive time.Time
}

const ledgerKey = "ledger"

// The fields of the ledger's record. Digests are fieldDigest + the bucket's number: rows (uvarint),
// sum (32 bytes, least first).
const (
	fieldSeals        = 1
	fieldLastDocument = 2
	fieldOutboxBytes  = 3
	fieldShipped      = 4
	fieldRefused      = 5
	fieldDropped      = 6
	fieldRunBytes     = 7
	fieldRunsOver     = 8
	fieldRotateRows   = 10
	fieldRotateOld    = 11
	fieldRotateBucket = 12
	fieldRotateKey    = 13
	fieldRotateBegan  = 14
	fieldGeneration   = 15
	fieldDead         = 16
	fieldDeadBytes    = 17
	fieldLostFrom     = 18
	fieldLostTo       = 19
	fieldLostDead     = 20
	fieldLostClass    = 20 // + the class: 21 to 23 and 25
	fieldAlive        = 24
	fieldRunsCounted  = 26 // in the place of 9, which earlier versions write who count otherwise
	fieldApartBytes   = 27
	fieldNewestRan    = 28
	fieldDigest       = 32
)

func (l *ledger) append(e *encoder) {
	e.uint(fieldSeals, l.seals)
	e.uint(fieldLastDocument, l.lastDocument)
	e.uint(fieldOutboxBytes, l.outboxBytes)
	e.uint(fieldShipped, l.shipped)
	e.uint(fieldRefused, l.refused)
	e.uint(fieldDropped, l.dropped)
	e.uint(fieldRunBytes, l.runBytes)
	e.uint(fieldRunsOver, l.runsOver)
	l.rotation.append(e)
	e.uint(fieldGeneration, l.generation)
	e.uint(fieldDead, l.dead)
	e.uint(fieldDeadBytes, l.deadBytes)
	l.loss.append(e)
	e.time(fieldAlive, l.alive)
	e.bool(fieldRunsCounted, l.runsCounted)
	e.uint(fieldApartBytes, l.apartBytes)
	if l.newestRan != (runKey{}) {
		e.bytes(fieldNewestRan, l.newestRan[:])
	}
	for id := range l.digests {
		if d := &l.digests[id]; *d != (digest{}) {
			var data [binary.MaxVarintLen64 + sha256.Size]byte
			e.bytes(fieldDigest+uint64(id), d.append(data[:0]))
		}
	}
}

// lessBy subtracts from a count, which a damaged or an earlier file may have too low.
func lessBy(count, n uint64) uint64 { return count - min(n, count) }

func (d *digest) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, d.rows)
	for _, word := range d.sum {
		buf = binary.LittleEndian.AppendUint64(buf, word)
	}
	return buf
}

func parseLedger(record []byte) (l ledger, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case fieldSeals:
			l.seals = d.uint()
		case fieldLastDocument:
			l.lastDocument = d.uint()
		case fieldOutboxBytes:
			l.outboxBytes = d.uint()
		case fieldShipped:
			l.shipped = d.uint()
		case fieldRefused:
			l.refused = d.uint()
		case fieldDropped:
			l.dropped = d.uint()
		case fieldRunBytes:
			l.runBytes = d.uint()
		case fieldRunsOver:
			l.runsOver = d.uint()
		case fieldRunsCounted:
			l.runsCounted = d.bool()
		case fieldRotateRows, fieldRotateOld, fieldRotateBucket, fieldRotateKey, fieldRotateBegan:
			l.rotation.parse(&d)
		case fieldGeneration:
			l.generation = d.uint()
		case fieldDead:
			l.dead = d.uint()
		case fieldDeadBytes:
			l.deadBytes = d.uint()
		case fieldLostFrom, fieldLostTo, fieldLostDead, fieldLostClass + 1, fieldLostClass + 2,
			fieldLostClass + 3, fieldLostClass + 5:
			d.loss(&l.loss)
		case fieldAlive:
			l.alive = d.time()
		case fieldApartBytes:
			l.apartBytes = d.uint()
		case fieldNewestRan:
			if len(d.data) == len(runKey{}) {
				l.newestRan = runKey(d.data)
			}
		default:
			if id := d.number - fieldDigest; d.number >= fieldDigest && id < uint64(bucketCount) {
				l.digests[id] = d.digest()
			}
		}
	}
	return l, d.err
}

func (d *decoder) digest() (g digest) {
	rows, n := binary.Uvarint(d.data)
	if n <= 0 || len(d.data) != n+sha256.Size {
		d.fail()
		return g
	}
	g.rows = rows
	for i := range g.sum {
		g.sum[i] = binary.LittleEndian.Uint64(d.data[n+8*i:])
	}
	return g
}

// rowHasher computes the keyed hashes that digests add up. It belongs to one goroutine.
type rowHasher struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// newRowHasher returns a hasher with the ring's key of row hashes.
func newRowHasher(key []byte) *rowHasher {
	return &rowHasher{mac: hmac.New(sha256.New, key)}
}

// hash covers the bucket, the key, and of a sealed value what makes it that value: key version and
// nonce at its front, the tag at its end. The result is valid until the next hash.
func (r *rowHasher) hash(b bucketID, key, value []byte) *[sha256.Size]byte {
	buf := r.buf[:0]
	buf = append(buf, byte(b))
	buf = binary.BigEndian.AppendUint16(buf, uint16(len(key)))
	buf = append(buf, key...)
	if b.isOrder() || len(value) < sealedExtra {
		buf = append(buf, value...)
	} else {
		buf = append(buf, value[:sealedHead]...)
		buf = append(buf, value[len(value)-sealedTail:]...)
	}
	r.buf = buf
	r.mac.Reset()
	r.mac.Write(buf)
	r.mac.Sum(r.sum[:0])
	return &r.sum
}
