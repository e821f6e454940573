package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/salvage"
)

// rebuild writes a new database out of what was salvaged of a damaged one. Sealed values are taken
// as they are: they are bound to the database's id, their bucket and their key, which all stay.
type rebuild struct {
	db     *bolt.DB
	kek    keyring.Key
	header keyring.Header
	keys   map[uint32][]byte
	ring   *keyring.Keyring
	old    *format.Ledger // of the damaged file, where it can be read
	ended  bool           // the damaged file was read to its end
	failed error          // of writing

	writer     *writer // of the transaction under way
	writes     int
	strays     [format.BucketCount]uint64
	stray      []strayRow // of jobs and users
	strayNames []string
	lost       [format.BucketCount][]string // names
	orphans    int                          // states of lost jobs
}

// strayRow is a row that may be old.
type strayRow struct {
	where format.BucketID
	key   []byte
}

// rowsPerTransaction bounds what a transaction of a rebuild holds in memory.
const rowsPerTransaction = 4096

// unknownSeals is taken for the number of values that were sealed with the data key where the count
// is lost: it lets a new key take over at once.
const unknownSeals = 2 * rotateAfterSeals

// Take takes what was salvaged: first the header, then the keys, then rows.
func (r *rebuild) Take(found salvage.Salvaged) (err error) {
	switch found.Kind {
	case salvage.SalvagedHeader:
		r.keys = map[uint32][]byte{}
		r.header, err = keyring.ParseHeader(found.Value)
	case salvage.SalvagedKey:
		if len(found.Key) == 4 {
			r.keys[binary.BigEndian.Uint32(found.Key)] = found.Value
		}
	case salvage.SalvagedLedger, salvage.SalvagedRow:
		err = r.takeSealed(&found)
	case salvage.SalvagedEnd:
		err = r.begin()
		r.ended = true
	}
	r.failed = errors.Join(r.failed, err)
	return err
}

// takeSealed puts a row, unless there is one of its key: what the tree leads to comes first, and
// counts.
func (r *rebuild) takeSealed(found *salvage.Salvaged) error {
	if err := r.begin(); err != nil {
		return err
	}
	if found.Kind == salvage.SalvagedLedger {
		return r.takeLedger(found.Value)
	}
	if found.Where >= format.BucketCount || found.Where.IsOrder() ||
		r.writer.has(found.Where, found.Key) {
		return nil
	}
	if _, err := r.writer.Open(found.Where.String(), found.Key, found.Value); err != nil {
		return nil //nolint:nilerr // the process that read it was wrong
	}
	if found.Stray {
		r.noteStray(found)
	}
	return r.Put(found.Where, found.Key, found.Value)
}

func (r *rebuild) noteStray(found *salvage.Salvaged) {
	r.strays[found.Where]++
	if found.Where == format.BucketJobs || found.Where == format.BucketUsers {
		r.stray = append(r.stray, strayRow{found.Where, bytes.Clone(found.Key)})
	}
}

func (r *rebuild) takeLedger(sealed []byte) error {
	record, err := r.writer.Open(format.NameLedger, []byte(format.LedgerKey), sealed)
	if err != nil {
		return nil //nolint:nilerr // it is made anew
	}
	if old, err := format.ParseLedger(record); err == nil {
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
	ring, err := keyring.UnwrapKeyring(r.keys, r.kek, r.header.Database)
	if err != nil {
		return err
	}
	r.ring = ring
	tx, err := r.db.Begin(true)
	if err != nil {
		return err
	}
	r.writer = &writer{reader: *newReader(tx, ring), hasher: format.NewRowHasher(ring.Rows)}
	return r.makeBuckets(tx)
}

func (r *rebuild) makeBuckets(tx *bolt.Tx) error {
	names := []string{format.NameMeta, format.NameKeys, format.NameLedger}
	for b := range format.BucketCount {
		names = append(names, b.String())
	}
	for _, name := range names {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for version, row := range r.keys {
		if err := tx.Bucket([]byte(format.NameKeys)).Put(binary.BigEndian.AppendUint32(nil,
			version),
			row); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(format.NameMeta)).Put([]byte(keyring.HeaderKey), r.header.Marshal())
}

func (r *rebuild) Put(b format.BucketID, key, value []byte) error {
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

// Finish makes what follows from the rows, and commits.
func (r *rebuild) Finish() error {
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
		l.Seals += r.old.Seals
		l.LastDocument, l.Shipped, l.Refused, l.Dropped =
			r.old.LastDocument, r.old.Shipped, r.old.Refused, r.old.Dropped
		l.Generation, l.Loss, l.Alive = r.old.Generation, r.old.Loss, r.old.Alive
	} else {
		l.Seals += unknownSeals
	}
	if err := r.countOld(); err != nil {
		return err
	}
	l.OutboxBytes, l.Dead, l.DeadBytes = 0, 0, 0
	return r.writer.scan(format.BucketOutbox, func(key, record []byte) error {
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
	current := r.ring.Keys.Load().Current
	for b := range format.BucketCount {
		err := r.writer.bucket(b).ForEach(func(_, value []byte) error {
			if !b.IsOrder() && binary.BigEndian.Uint32(value) < current {
				old++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.writer.ledger.Rotation = format.Rotation{
		Rows:  r.writer.ledger.SealedRows(),
		Old:   old,
		Began: time.Now(),
	}
	return nil
}
