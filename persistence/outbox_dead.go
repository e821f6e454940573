package persistence

import (
	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

func (r *reader) checkDead(id string) error {
	if _, err := r.deadLetter(id); err != nil {
		return err
	}
	return nil
}

// deadLetter returns a dead letter; an *Error of not_found where there is none.
func (r *reader) deadLetter(id string) (messages.DeadLetter, error) {
	key, ok := format.ParseRunKey(id)
	var record []byte
	var err error
	if ok {
		record, err = r.get(format.BucketOutbox, deadKey(key))
	}
	switch {
	case err != nil:
		return messages.DeadLetter{}, err
	case record == nil:
		return messages.DeadLetter{}, messages.Errorf(messages.CodeNotFound, "there is no dead "+
			"letter of this id")
	}
	letter, err := decodeDead(record)
	if err != nil {
		return letter, format.DamagedRow(format.BucketOutbox)
	}
	return letter, nil
}

// refuseDocument makes a dead letter of a document, and drops the oldest dead letters where they
// take too much.
func (w *writer) refuseDocument(row *messages.DocumentRefused) error {
	key := waitingKey(row.Key)
	sealed := w.bucket(format.BucketOutbox).Get(key)
	if sealed == nil {
		return nil
	}
	doc, err := w.document(key, sealed)
	if err != nil {
		return err
	}
	if _, err := w.takeDocument(key); err != nil {
		return err
	}
	w.ledger.Refused++
	if err := w.putDead(&messages.DeadLetter{
		Document: doc,
		Status:   row.Status,
		Reason:   row.Reason,
		At:       row.At,
	}); err != nil {
		return err
	}
	for row.LimitBytes > 0 && w.ledger.DeadBytes > uint64(row.LimitBytes/deadShare) {
		if err := w.dropOldestDead(); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putDead(l *messages.DeadLetter) error {
	id, ok := format.ParseRunKey(l.Document.ID)
	if !ok {
		return format.DamagedRow(format.BucketOutbox)
	}
	if err := w.takeDead(id); err != nil { // one of this id from before a backup was restored
		return err
	}
	e := w.fresh()
	encodeDead(e, l)
	w.ledger.Dead++
	w.ledger.DeadBytes += uint64(len(e.Buf))
	if err := w.Put(format.BucketOutbox, deadKey(id), e.Buf); err != nil {
		return err
	}
	return w.noteReference(&l.Document, func(k *runKeeping) { k.letters = append(k.letters, id) })
}

func (w *writer) takeDead(id format.RunKey) error {
	key := deadKey(id)
	sealed := w.bucket(format.BucketOutbox).Get(key)
	if sealed == nil {
		return nil
	}
	w.ledger.Dead = format.LessBy(w.ledger.Dead, 1)
	w.ledger.DeadBytes = format.LessBy(w.ledger.DeadBytes, uint64(len(sealed)-format.SealedExtra))
	return w.Remove(format.BucketOutbox, key)
}

func (w *writer) dropOldestDead() error {
	key, sealed := w.bucket(format.BucketOutbox).Cursor().Seek([]byte{deadPrefix})
	if key == nil {
		return format.DamagedRow(format.BucketOutbox) // the ledger says that there is one
	}
	record, err := w.record(format.BucketOutbox, key, sealed)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(record)
	if err != nil || len(key) != 1+len(format.RunKey{}) {
		return format.DamagedRow(format.BucketOutbox)
	}
	w.ledger.Dropped++
	w.ledger.Loss.Add(&w.ledger.Loss.Dead, doc.QueuedAt)
	return w.takeDead(format.RunKey(key[1:]))
}

// retryDead puts a dead letter back behind all that waits, and makes room.
func (w *writer) retryDead(row *messages.DeadRetried) error {
	letter, err := w.deadLetter(row.ID)
	if err != nil {
		return err
	}
	if err := w.deleteDead(row.ID); err != nil {
		return err
	}
	letter.Document.QueuedAt = row.At
	if err := w.appendDocument(&letter.Document); err != nil {
		return err
	}
	note := func(k *runKeeping) { k.documents = append(k.documents, w.ledger.LastDocument) }
	if err := w.noteReference(&letter.Document, note); err != nil {
		return err
	}
	return w.makeRoom(row.LimitBytes)
}

func (w *writer) deleteDead(id string) error {
	key, _ := format.ParseRunKey(id)
	return w.takeDead(key)
}

// Dead returns up to limit dead letters with an id below before (empty: all), newest first.
func (s *Store) Dead(before string, limit int) (page messages.DeadPage, err error) {
	_, err = s.view(func(r *reader) error {
		c := r.bucket(format.BucketOutbox).Cursor()
		for key, sealed := lastDead(c, before); len(key) > 0 &&
			key[0] == deadPrefix; key, sealed = c.Prev() {
			if len(page.Letters) == limit {
				page.Next = page.Letters[limit-1].Document.ID
				return nil
			}
			record, err := r.record(format.BucketOutbox, key, sealed)
			if err != nil {
				return err
			}
			letter, err := decodeDead(record)
			if err != nil {
				return format.DamagedRow(format.BucketOutbox)
			}
			page.Letters = append(page.Letters, letter)
		}
		return nil
	})
	return page, err
}

// lastDead moves the cursor to the newest dead letter below an id, or to the newest of all: their
// keys are the last of the bucket.
func lastDead(c *bolt.Cursor, before string) (key, sealed []byte) {
	id, ok := format.ParseRunKey(before)
	if !ok {
		return c.Last()
	}
	if key, _ := c.Seek(deadKey(id)); key == nil {
		return c.Last()
	}
	return c.Prev()
}
