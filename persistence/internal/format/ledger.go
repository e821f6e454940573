package format

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"time"
)

// Digest is what the ledger says of one bucket: how many rows, and the sum of their hashes modulo
// 2^256. Rows that vanish, come back or change places without the ledger's key do not add up.
type Digest struct {
	Rows uint64
	sum  [4]uint64 // least significant word first
}

func (d *Digest) Add(h *[sha256.Size]byte) {
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
	d.Rows++
}

func (d *Digest) Remove(h *[sha256.Size]byte) {
	var borrow uint64
	for i := range d.sum {
		d.sum[i], borrow = bits.Sub64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), borrow)
	}
	d.Rows--
}

// Ledger is the sealed row that every transaction rewrites: the digests of all buckets, and the
// counters that would else need a scan.
type Ledger struct {
	Digests      [BucketCount]Digest
	Seals        uint64 // values sealed with the current data key
	LastDocument uint64 // sequence of the newest outbox row that ever was
	OutboxBytes  uint64 // records that wait
	Shipped      uint64
	Refused      uint64
	Dropped      uint64
	RunBytes     uint64 // of all runs: their rows, their entries in the orders, their output files
	RunsOver     uint64 // runs that lists have beyond what they keep
	ApartBytes   uint64 // of RunBytes, what the runs take that did not run
	NewestRan    RunKey // of the runs that ran and have ended: it stays
	// the agent that wrote last notes its starts in the file of starts; earlier versions drop this
	StartsNoted bool
	RunsCounted bool // the four above are true, and so are the lists; earlier versions lack them
	Rotation    Rotation
	Generation  uint64 // transactions that there ever were
	Dead        uint64 // Dead letters among the rows of the outbox
	DeadBytes   uint64
	Loss        Loss
	// when an agent, no tool, made a transaction last; zero: none did, or one of an earlier version
	Alive time.Time
}

const LedgerKey = "ledger"

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
	fieldNoted        = 29
	fieldDigest       = 32
)

func (l *Ledger) Append(e *Encoder) {
	e.Uint(fieldSeals, l.Seals)
	e.Uint(fieldLastDocument, l.LastDocument)
	e.Uint(fieldOutboxBytes, l.OutboxBytes)
	e.Uint(fieldShipped, l.Shipped)
	e.Uint(fieldRefused, l.Refused)
	e.Uint(fieldDropped, l.Dropped)
	e.Uint(fieldRunBytes, l.RunBytes)
	e.Uint(fieldRunsOver, l.RunsOver)
	l.Rotation.Append(e)
	e.Uint(fieldGeneration, l.Generation)
	e.Uint(fieldDead, l.Dead)
	e.Uint(fieldDeadBytes, l.DeadBytes)
	l.Loss.Append(e)
	e.Time(fieldAlive, l.Alive)
	e.Bool(fieldRunsCounted, l.RunsCounted)
	e.Uint(fieldApartBytes, l.ApartBytes)
	if l.NewestRan != (RunKey{}) {
		e.Bytes(fieldNewestRan, l.NewestRan[:])
	}
	e.Bool(fieldNoted, l.StartsNoted)
	for id := range l.Digests {
		if d := &l.Digests[id]; *d != (Digest{}) {
			var data [binary.MaxVarintLen64 + sha256.Size]byte
			e.Bytes(fieldDigest+uint64(id), d.Append(data[:0]))
		}
	}
}

// LessBy subtracts from a count, which a damaged or an earlier file may have too low.
func LessBy(count, n uint64) uint64 { return count - min(n, count) }

func (d *Digest) Append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, d.Rows)
	for _, word := range d.sum {
		buf = binary.LittleEndian.AppendUint64(buf, word)
	}
	return buf
}

func ParseLedger(record []byte) (l Ledger, err error) {
	d := Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case fieldSeals:
			l.Seals = d.Uint()
		case fieldLastDocument:
			l.LastDocument = d.Uint()
		case fieldOutboxBytes:
			l.OutboxBytes = d.Uint()
		case fieldShipped:
			l.Shipped = d.Uint()
		case fieldRefused:
			l.Refused = d.Uint()
		case fieldDropped:
			l.Dropped = d.Uint()
		case fieldRunBytes:
			l.RunBytes = d.Uint()
		case fieldRunsOver:
			l.RunsOver = d.Uint()
		case fieldRunsCounted:
			l.RunsCounted = d.Bool()
		case fieldRotateRows, fieldRotateOld, fieldRotateBucket, fieldRotateKey, fieldRotateBegan:
			l.Rotation.parse(&d)
		case fieldGeneration:
			l.Generation = d.Uint()
		case fieldDead:
			l.Dead = d.Uint()
		case fieldDeadBytes:
			l.DeadBytes = d.Uint()
		case fieldLostFrom, fieldLostTo, fieldLostDead, fieldLostClass + 1, fieldLostClass + 2,
			fieldLostClass + 3, fieldLostClass + 5:
			d.loss(&l.Loss)
		case fieldAlive:
			l.Alive = d.Time()
		case fieldApartBytes:
			l.ApartBytes = d.Uint()
		case fieldNoted:
			l.StartsNoted = d.Bool()
		case fieldNewestRan:
			if len(d.Data) == len(RunKey{}) {
				l.NewestRan = RunKey(d.Data)
			}
		default:
			if id := d.Number - fieldDigest; d.Number >= fieldDigest && id < uint64(BucketCount) {
				l.Digests[id] = d.digest()
			}
		}
	}
	return l, d.Err
}

func (d *Decoder) digest() (g Digest) {
	rows, n := binary.Uvarint(d.Data)
	if n <= 0 || len(d.Data) != n+sha256.Size {
		d.Fail()
		return g
	}
	g.Rows = rows
	for i := range g.sum {
		g.sum[i] = binary.LittleEndian.Uint64(d.Data[n+8*i:])
	}
	return g
}

// RowHasher computes the keyed hashes that digests add up. It belongs to one goroutine.
type RowHasher struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// NewRowHasher returns a hasher with the ring's key of row hashes.
func NewRowHasher(key []byte) *RowHasher {
	return &RowHasher{mac: hmac.New(sha256.New, key)}
}

// Hash covers the bucket, the key, and of a sealed value what makes it that value: key version and
// nonce at its front, the tag at its end. The result is valid until the next hash.
func (r *RowHasher) Hash(b BucketID, key, value []byte) *[sha256.Size]byte {
	buf := r.buf[:0]
	buf = append(buf, byte(b))
	buf = binary.BigEndian.AppendUint16(buf, uint16(len(key)))
	buf = append(buf, key...)
	if b.IsOrder() || len(value) < SealedExtra {
		buf = append(buf, value...)
	} else {
		buf = append(buf, value[:SealedHead]...)
		buf = append(buf, value[len(value)-SealedTail:]...)
	}
	r.buf = buf
	r.mac.Reset()
	r.mac.Write(buf)
	r.mac.Sum(r.sum[:0])
	return &r.sum
}
