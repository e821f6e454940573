package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

// rebuild writes a new database out of what was salvaged of a damaged one. Sealed values are taken
// as they are: they are bound to the database's id, their bucket and their key, which all stay.
type rebuild struct {
	db     *bolt.DB
	kek    Key
	header header
	keys   map[uint32][]byte
	ring   *keyring
	old    *ledger // of the damaged file, where it can be read
	ended  bool    // the damaged file was read to its end
	failed error   // of writing

	writer     *writer // of the transaction under way
	writes     int
	strays     [bucketCount]uint64
	stray      []strayRow // of jobs and users
	strayNames []string
	lost       [bucketCount][]string // names
	orphans    int                   // states of lost jobs
}

// strayRow is a row that may be old.
type strayRow struct {
	where bucketID
	key   []byte
}

// rowsPerTransaction bounds what a transaction of a rebuild holds in memory.
const rowsPerTransaction = 4096

// unknownSeals is taken for the number of values that were sealed with the data key where the count
// is lost: it lets a new key take over at once.
const unknownSeals = 2 * rotateAfterSeals

// take takes what was salvaged: first the header, then the keys, then rows.
func (r *rebuild) take(found salvaged) (err error) {
	switch found.kind {
	case salvagedHeader:
		r.keys = map[uint32][]byte{}
		r.header, err = parseHeader(found.value)
	case salvagedKey:
		if len(found.key) == 4 {
			r.keys[binary.BigEndian.Uint32(found.key)] = found.value
		}
	case salvagedLedger, salvagedRow:
		err = r.takeSealed(&found)
	case salvagedEnd:
		err = r.begin()
		r.ended = true
	}
	r.failed = errors.Join(r.failed, err)
	return err
}

// takeSealed puts a row, unless there is one of its key: what the tree leads to comes first, and
// counts.
func (r *rebuild) takeSealed(found *salvaged) error {
	if err := r.begin(); err != nil {
		return err
	}
	if found.kind == salvagedLedger {
		return r.takeLedger(found.value)
	}
	if found.where >= bucketCount || found.where.isOrder() || r.writer.has(found.where, found.key) {
		return nil
	}
	if _, err := r.writer.open(found.where.String(), found.key, found.value); err != nil {
		return nil //nolint:nilerr // the process that read it was wrong
	}
	if found.stray {
		r.noteStray(found)
	}
	return r.put(found.where, found.key, found.value)
}

func (r *rebuild) noteStray(found *salvaged) {
	r.strays[found.where]++
	if found.where == bucketJobs || found.where == bucketUsers {
		r.stray = append(r.stray, strayRow{found.where, bytes.Clone(found.key)})
	}
}

func (r *rebuild) takeLedger(sealed []byte) error {
	record, err := r.writer.open(nameLedger, []byte(ledgerKey), sealed)
	if err != nil {
		return nil //nolint:nilerr // it is made anew
	}
	if old, err := parseLedger(record); err == nil {
		r.old = &old
	}
	return nil
}

// begin makes the empty database, once the keys are known, and sees to it that a transaction is
// under way.
func (r *rebuild) begin() (err error) {
	if r.ring != nil {
		return nil
	}
	ring, err := unwrapKeyring(r.keys, r.kek, r.header.database)
	if err != nil {
		return err
	}
	r.ring = ring
	tx, err := r.db.Begin(true)
	if err != nil {
		return err
	}
	r.writer = &writer{reader: *newReader(tx, ring), hasher: newRowHasher(ring.rows)}
	return r.makeBuckets(tx)
}

func (r *rebuild) makeBuckets(tx *bolt.Tx) error {
	names := []string{nameMeta, nameKeys, nameLedger}
	for b := range bucketCount {
		names = append(names, b.String())
	}
	for _, name := range names {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for version, row := range r.keys {
		if err := tx.Bucket([]byte(nameKeys)).Put(binary.BigEndian.AppendUint32(nil, version),
			row); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(nameMeta)).Put([]byte(headerKey), r.header.marshal())
}

func (r *rebuild) put(b bucketID, key, value []byte) error {
	if err := r.writer.store(b, key, value); err != nil {
		return err
	}
	return r.wrote()
}

// wrote begins another transaction after some rows. A half-made database is never looked at, so
// that the ledger may come last.
func (r *rebuild) wrote() error {
	if r.writes++; r.writes%rowsPerTransaction != 0 {
		return nil
	}
	return r.renew()
}

func (r *rebuild) renew() error {
	if err := r.writer.tx.Commit(); err != nil {
		return err
	}
	tx, err := r.db.Begin(true)
	if err != nil {
		return err
	}
	r.writer = &writer{
		reader: *newReader(tx, r.ring),
		hasher: r.writer.hasher,
		ledger: r.writer.ledger,
	}
	return nil
}

// abandon closes the unfinished database.
func (r *rebuild) abandon() error {
	if r.writer != nil {
		return errors.Join(r.writer.tx.Rollback(), r.db.Close())
	}
	return r.db.Close()
}

// finish makes what follows from the rows, and commits.
func (r *rebuild) finish() error {
	if r.failed != nil {
		return r.writer.tx.Rollback()
	}
	err := errors.Join(r.orderRuns(), r.dropOrphans(), r.fillParameters(), r.writer.adoptOutbox(),
		r.fillLedger())
	if err == nil {
		err = r.writer.putLedger()
	}
	if err != nil {
		return errors.Join(err, r.writer.tx.Rollback())
	}
	return r.writer.tx.Commit()
}

// fillLedger takes the counters of the old ledger, and counts anew what can be counted.
func (r *rebuild) fillLedger() error {
	l := &r.writer.ledger
	if r.old != nil {
		l.seals += r.old.seals
		l.lastDocument, l.shipped, l.refused, l.dropped =
			r.old.lastDocument, r.old.shipped, r.old.refused, r.old.dropped
		l.generation, l.loss, l.alive = r.old.generation, r.old.loss, r.old.alive
	} else {
		l.seals += unknownSeals
	}
	if err := r.countOld(); err != nil {
		return err
	}
	l.outboxBytes, l.dead, l.deadBytes = 0, 0, 0
	return r.writer.scan(bucketOutbox, func(key, record []byte) error {
		return countDocument(l, key, record)
	})
}

// countOld counts the rows that older data keys sealed, where a rotation was under way: it begins
// again at the first row.
func (r *rebuild) countOld() error {
	if len(r.keys) <= 2 {
		return nil // the root key and one data key
	}
	var old uint64
	current := r.ring.keys.Load().current
	for b := range bucketCount {
		err := r.writer.bucket(b).ForEach(func(_, value []byte) error {
			if !b.isOrder() && binary.BigEndian.Uint32(value) < current {
				old++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.writer.ledger.rotation = rotation{
		rows:  r.writer.ledger.sealedRows(),
		old:   old,
		began: time.Now(),
	}
	return nil
}
