package messages

import "time"

// Expect is what a change expects of the row that it touches. It is checked inside the transaction.
type Expect uint8

// The expectations.
const (
	ExpectAny     Expect = iota
	ExpectAbsent         // else code exists
	ExpectPresent        // else code not_found
)

// Change is a set of row changes that become durable together or not at all. It is declarative:
// what it expects is checked inside the transaction, before the first row is written, so that of
// the changes that share a transaction each can fail alone.
type Change struct {
	Origin Origin
	Rows   []Row
}

// Row is one row change; the types below are all there are.
type Row interface{ row() }

// The row changes.
type (
	// JobRow puts a job. With Patch set, the options are those stored (or the defaults) with Patch
	// applied; without, Job.Options. A JobStateRow of the same change comes with it where the
	// expression changed.
	JobRow struct {
		Job    Job
		Patch  *JobOptionsPatch
		Expect Expect
		// AnchorAt is the Anchor of the job's state where the row is new or its expression is
		// another than the stored one; then the rest of the state is reset, but for the pause.
		// Where the expression is the same, the state stays.
		AnchorAt time.Time
	}
	// JobGone deletes a job and its state. Its runs stay until they are trimmed. Code not_found
	// where there is none.
	JobGone struct{ Name string }
	// JobStateRow puts a part of the state of a job that exists; of one that is gone it is left out
	// silently.
	JobStateRow struct {
		Name  string
		State JobState
		// Part is what of the stored state is replaced, so that a firing does not undo a change of
		// the job that it crossed.
		Part StatePart
	}
	// RunRow puts a run, whole, and keeps the orders by job and by state.
	RunRow struct {
		Run Run
		// Script is what a queued run executes that came with the request. It stays with the row
		// until that says that the run has started.
		Script *Job
	}
	// RunsLeft says that the agent ends in order: of every run that is queued and certainly was not
	// started, the row says from now on that it only waits.
	RunsLeft struct{}
	// ParameterRow sets the local value of a parameter.
	ParameterRow struct{ Name, Local string }
	// UserRow puts a user. With OnlyHash the hash of the stored user is replaced, which also
	// enables one that was disabled; its scopes stay.
	UserRow struct {
		User     User
		OnlyHash bool
		Expect   Expect
	}
	// DocumentRow appends a document to the outbox; the store gives it its sequence. Where the
	// outbox holds more than LimitBytes then (0: any number), the oldest documents of the lowest
	// class go, which may be this one.
	DocumentRow struct {
		Document   Document
		LimitBytes int64
	}
	// DocumentsShipped takes documents out of the outbox that OpenSearch has. One that does not
	// wait any more is left out silently.
	DocumentsShipped struct{ Keys []DocumentKey }
	// DocumentRefused makes a dead letter of a waiting document. Where the dead letters hold more
	// than a quarter of LimitBytes then, the oldest go. Of a document that does not wait any more
	// it is left out silently.
	DocumentRefused struct {
		Key        DocumentKey
		Status     int
		Reason     string
		At         time.Time
		LimitBytes int64
	}
	// DeadRetried puts a dead letter back behind all that waits, as queued at At: its age begins
	// anew. Where the outbox holds more than LimitBytes then, the oldest documents of the lowest
	// class go. Code not_found where there is none of this id.
	DeadRetried struct {
		ID         string
		At         time.Time
		LimitBytes int64
	}
	// DeadGone deletes a dead letter. Code not_found where there is none of this id.
	DeadGone struct{ ID string }
	// OutboxAged drops documents that were queued before a time, at most some thousand at once.
	OutboxAged struct{ Before time.Time }
	// LossTold says that a document tells of the lost ones, so many, queued at these times, so that
	// the next one need not. Code conflict where others were lost by now.
	LossTold struct {
		Count    uint64
		From, To time.Time
	}
	// SettingRow keeps one of the agent's own small values (the CA's key, the agent's id, the pause
	// switch). A nil value deletes it.
	SettingRow struct {
		Name  string
		Value []byte
	}
	// ImportRows puts the rows of an import. Code invalid, with what became of each row, where one
	// was refused and Partial is not set.
	ImportRows struct {
		Items   []ImportItem
		Partial bool
		At      time.Time // the anchor of jobs that are new or whose expression is another
	}
)

func (JobRow) row()       {}
func (JobGone) row()      {}
func (JobStateRow) row()  {}
func (RunRow) row()       {}
func (RunsLeft) row()     {}
func (ParameterRow) row() {}
func (UserRow) row()      {}
func (DocumentRow) row()  {}
func (SettingRow) row()   {}
func (ImportRows) row()   {}

func (DocumentsShipped) row() {}
func (DocumentRefused) row()  {}
func (DeadRetried) row()      {}
func (DeadGone) row()         {}
func (OutboxAged) row()       {}
func (LossTold) row()         {}

// Committed is what became of a Change. Err is nil where it is durable; an *Error where it was
// refused or the storage could not take it (nothing was done); any other error means that the
// outcome is unknown and the process is about to end.
type Committed struct {
	// of the transaction that carried it: a reader that has seen a higher or equal one has seen
	// this change
	TxID uint64
	Job  *Job // of the last JobRow: the job as stored
	// State is the job's state as stored, where Job is set.
	State JobState
	// Import is what became of the last ImportRows, also where that was refused.
	Import *ImportResult
	Err    error
}

// Settings that the agent keeps in the store beside the tables.
const (
	SettingAgentID     = "agent_id"      // the UUID of this installation, made at first start
	SettingFiring      = "firing"        // "off" while PUT /agent/jobs/stop is in force
	SettingFiringSince = "firing_since"  // RFC 3339: when the switch was last moved
	SettingCAKey       = "tls_ca_key"    // PKCS #8, DER
	SettingLastSeen    = "last_seen"     // RFC 3339: when the agent last said that it was alive
	SettingAdminFile   = "admin_file_of" // the user whose password lies in the file admin-password
)
