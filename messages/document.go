package messages

import "time"

// DocumentClass orders documents by how much they would be missed: when the outbox is full, the oldest of the lowest class goes first.
type DocumentClass uint8

// The classes, lowest first.
const (
	DocumentLog    DocumentClass = 1 // the agent's own log lines
	DocumentHealth DocumentClass = 2 // health and heartbeat
	DocumentOutput DocumentClass = 3 // what jobs printed
	DocumentNotice DocumentClass = 4 // what tells of lost documents; never dropped
)

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

// OutputRef names the range of a run's stream that is a document's `message`.
type OutputRef struct {
	RunID  string
	Stream Stream
	From   int64 // byte offsets in the kept output
	To     int64
}

// GetOutbox asks what waits for OpenSearch. Reply: OutboxStanding.
type GetOutbox struct{}

// OutboxStanding is what waits and what became of the rest since the agent was installed.
type OutboxStanding struct {
	Waiting   uint64
	Bytes     uint64
	OldestAt  time.Time // zero: nothing waits
	Shipped   uint64
	Refused   uint64
	Dropped   uint64
	LastError string
	State     string // one word or sentence: "disabled: no endpoint is set", "waiting"
}
