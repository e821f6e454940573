package persistence

import (
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

const (
	// maxDropped is how many documents one change drops, so that no transaction grows large.
	maxDropped = 4096
	// deadShare is the part of the outbox's limit that dead letters may take.
	deadShare = 4
)

// makeRoom drops the oldest documents of the lowest class until the outbox is within its limit; of
// one that was lowered by much, it is the next changes that bring it there. Notices stay, whatever
// it holds.
func (w *writer) makeRoom(limit int64) error {
	return w.drop(time.Time{}, func() bool {
		return limit > 0 && w.ledger.OutboxBytes > uint64(limit)
	})
}

// dropAged drops what was queued before a time.
func (w *writer) dropAged(before time.Time) error {
	return w.drop(before, func() bool { return true })
}

// drop drops documents, class by class, as long as it is wanted; with a time, only what was queued
// before it.
func (w *writer) drop(before time.Time, wanted func() bool) error {
	classes := messages.DroppedClasses()
	for left := maxDropped; len(classes) > 0 && left > 0 && wanted(); {
		dropped, err := w.dropOldest(classes[0], before)
		switch {
		case err != nil:
			return err
		case dropped:
			left--
		default:
			classes = classes[1:]
		}
	}
	return nil
}

// dropOldest drops the oldest document of a class, and reports whether there was one; with a time,
// only one that was queued before it.
func (w *writer) dropOldest(class messages.DocumentClass, before time.Time) (bool, error) {
	key, sealed := w.bucket(format.BucketOutbox).Cursor().Seek([]byte{byte(class)})
	if len(key) == 0 || key[0] != byte(class) {
		return false, nil
	}
	doc, err := w.document(key, sealed)
	if err != nil {
		return false, err
	}
	if !before.IsZero() && !doc.QueuedAt.Before(before) {
		return false, nil
	}
	if _, err := w.takeDocument(waitingKey(doc.Key())); err != nil {
		return false, err
	}
	w.ledger.Dropped++
	w.ledger.Loss.Add(&w.ledger.Loss.Classes[class], doc.QueuedAt)
	return true, nil
}

// checkLoss refuses to call told what is not what was lost.
func (w *writer) checkLoss(row *messages.LossTold) error {
	lost := w.ledger.Loss.Message()
	if n := lost.Count(); n != row.Count || !lost.From.Equal(row.From) || !lost.To.Equal(row.To) {
		return messages.Errorf(messages.CodeConflict, "other documents were lost by now, %d in all",
			n)
	}
	return nil
}
