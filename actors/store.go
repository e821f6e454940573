package actors

import (
	"time"

	"gusty/internal/process"
	"gusty/messages"
	"gusty/messages/table"
)

// Store is what the tree needs of the database. Submit never blocks; done is called once, on any
// goroutine, and must not block either. The reads show what is committed and may touch the disk.
type Store interface {
	Submit(change messages.Change, done func(messages.Committed))

	LoadParameters(each func(messages.StoredParameter) error) (txID uint64, err error)
	LoadUsers(each func(messages.User) error) (txID uint64, err error)
	LoadJobs(each func(messages.JobHead) error) (txID uint64, err error)
	JobIndices() ([]string, error)
	LoadActiveRuns(each func(messages.Run) error) (txID uint64, err error)

	Job(name string) (messages.Job, error)
	Run(id string) (messages.Run, error)
	// RunScript returns the script that a queued run came with. Code not_found where it carries
	// none.
	RunScript(id string) (messages.Job, error)
	Runs(query messages.RunQuery) (messages.RunPage, error)
	Setting(name string) ([]byte, error)
	// LastAlive is when an earlier life of the agent committed last; zero: nobody knows.
	LastAlive() time.Time
	Outbox() (messages.OutboxStanding, error)
	Export(query table.ExportQuery, each func(table.TableRow) error) error
	PlanImport(items []messages.ImportItem) (messages.ImportResult, error)
	// Documents returns what waits, oldest first; a document's body is valid only during the call.
	Documents(after uint64, each func(messages.Document) (more bool, err error)) error
	Dead(before string, limit int) (messages.DeadPage, error)
	EachOutput(runID string, each func(messages.OutputChunk) error) error
	FollowOutput(runID string) (messages.OutputFollower, error)
	NewOutput(runID string, limitBytes int64) Output
	// NoteStart notes that a run is about to be started; it waits for no disk, and what it notes
	// outlives a kill, but not the host.
	NoteStart(runID string) error
	// StartOf tells of a run whose row says that it is queued whether it may have been started.
	StartOf(runID string) messages.StartTrace
	Backup() (messages.Backup, error)
	Stats() messages.StoreStats
}

// Output collects what one run prints. Write is safe for the two streams at once.
type Output interface {
	Write(stream messages.Stream, data []byte, at time.Time) error
	Close() (messages.OutputSummary, error)
}

// Launcher starts processes.
type Launcher interface {
	Start(spec process.Spec) (Process, error)
	// TryStart tries whether a process can be started, and leaves none.
	TryStart() error
	// EndOrphans ends the processes that runs of an earlier life of the agent left behind, and says
	// how many there were.
	EndOrphans(orphans []process.Orphan) (int, error)
}

// Process is one started process with its tree.
type Process interface {
	PID() int
	StartTicks() uint64
	StartedAt() time.Time
	Wait() process.Result
	Terminate(grace time.Duration)
}
