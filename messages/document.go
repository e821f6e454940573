package messages

import "time"

// DocumentClass tells documents apart by how much they would be missed: when the outbox is full,
// the oldest of the lowest class goes first. The numbers are stored; it is DocumentClasses that
// gives their order.
type DocumentClass uint8

// The classes.
const (
	DocumentLog     DocumentClass = 1 // the agent's own log lines of the levels debug and info
	DocumentHealth  DocumentClass = 2 // health and heartbeat
	DocumentOutput  DocumentClass = 3 // what jobs printed
	DocumentNotice  DocumentClass = 4 // what tells of lost documents; never dropped
	DocumentWarning DocumentClass = 5 // the agent's own log lines of the levels warning and error
)

// DocumentClasses lists the classes, lowest first.
func DocumentClasses() []DocumentClass { return append(DroppedClasses(), DocumentNotice) }

// DroppedClasses lists those of which documents are dropped when the outbox is full, lowest first.
func DroppedClasses() []DocumentClass {
	return []DocumentClass{DocumentLog, DocumentHealth, DocumentOutput, DocumentWarning}
}

// String names what the class holds.
func (c DocumentClass) String() string {
	switch c {
	case DocumentLog:
		return "log"
	case DocumentHealth:
		return "health"
	case DocumentOutput:
		return "output"
	case DocumentWarning:
		return "warning"
	default:
		return "notice"
	}
}

// Document is one that waits in the outbox for OpenSearch.
type Document struct {
	ID       string // UUIDv7, the document's _id, so that a repeat is recognised
	Sequence uint64 // given by the store, in order of commit
	Class    DocumentClass
	Index    string // resolved when it is queued
	QueuedAt time.Time
	Body     []byte     // JSON; for long output without its `message`
	Output   *OutputRef // nil: Body is whole
}

// Key finds the document in the outbox.
func (d *Document) Key() DocumentKey { return DocumentKey{Class: d.Class, Sequence: d.Sequence} }

// DocumentKey finds a waiting document.
type DocumentKey struct {
	Class    DocumentClass
	Sequence uint64
}

// OutputRef names the range of a run's stream that is a document's `message`.
type OutputRef struct {
	RunID   string
	Stream  Stream
	From    int64 // byte offsets in the kept output
	To      int64
	Secrets []Secret // values that must not be seen in it
}

// DeadLetter is a document that OpenSearch refused for good.
type DeadLetter struct {
	Document Document
	Status   int    // what it was answered with
	Reason   string // in OpenSearch's words
	At       time.Time
}

// Loss counts documents that were dropped and that no document tells of yet.
type Loss struct {
	ByClass map[DocumentClass]uint64
	Dead    uint64 // dead letters
	From    time.Time
	To      time.Time // when the first and the last of them were queued
}

// Count is how many documents were lost in all.
func (l *Loss) Count() uint64 {
	n := l.Dead
	for _, of := range l.ByClass {
		n += of
	}
	return n
}

// Requests about the outbox.
type (
	// GetOutbox asks what waits for OpenSearch. Reply: OutboxStanding. It is answered without any
	// actor's help.
	GetOutbox struct{}
	// ListDead asks for a page of dead letters, newest first. Reply: DeadPage.
	ListDead struct {
		Before string // an id: only those older than it; empty: from the newest on
		Limit  int
	}
	// DeadPage is one page. Next is the Before of the following page, empty where this is the last.
	DeadPage struct {
		Letters []DeadLetter
		Next    string
	}
	// RetryDead puts a dead letter back among what waits. Reply: DeadSettled. Code not_found.
	RetryDead struct {
		ID     string
		Origin Origin
	}
	// DeleteDead deletes a dead letter. Reply: DeadSettled. Code not_found.
	DeleteDead struct {
		ID     string
		Origin Origin
	}
	// DeadSettled says that it is done.
	DeadSettled struct{ ID string }
)

// OutboxStanding is what waits and what became of the rest since the agent was installed.
type OutboxStanding struct {
	Waiting   uint64
	Bytes     uint64
	OldestAt  time.Time // zero: nothing waits
	Dead      uint64    // refused ones that are kept
	DeadBytes uint64
	Shipped   uint64
	Refused   uint64
	Dropped   uint64
	Loss      Loss    // of Dropped, what no document tells of yet
	Rate      float64 // documents shipped a second, over the last minute
	LastError string
	LastAt    time.Time // of LastError
	State     string    // one of ShippingStates, and more words
	NextTryAt time.Time // zero: nothing is put off
}

// ShippingStates lists what the state of shipping begins with.
func ShippingStates() []string {
	return []string{"shipping", "backing off", "paused", "disabled", "starting"}
}
