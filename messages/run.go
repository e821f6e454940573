package messages

import "time"

// RunState is where a run stands.
type RunState string

// The run states. The first two are active, the others final.
const (
	RunQueued      RunState = "queued"
	RunRunning     RunState = "running"
	RunSucceeded   RunState = "succeeded"
	RunFailed      RunState = "failed"
	RunTimedOut    RunState = "timed_out"
	RunCancelled   RunState = "cancelled"
	RunInterrupted RunState = "interrupted"
	RunSkipped     RunState = "skipped"
	RunMissed      RunState = "missed"
)

// RunStates lists every state in the order above.
func RunStates() []RunState {
	return []RunState{
		RunQueued, RunRunning, RunSucceeded, RunFailed, RunTimedOut, RunCancelled, RunInterrupted,
		RunSkipped, RunMissed,
	}
}

// Active reports whether the run has not ended yet.
func (s RunState) Active() bool { return s == RunQueued || s == RunRunning }

// StartTrace is what is known of a start of a run whose record says that it is queued.
type StartTrace uint8

// The traces of a start.
const (
	StartUnknown StartTrace = iota // nothing vouches for either
	StartNone                      // it certainly was not started
	StartNoted                     // its process was about to be started
)

// Trigger is why a run exists.
type Trigger string

// The triggers.
const (
	TriggerSchedule Trigger = "schedule"
	TriggerAPI      Trigger = "api"
	TriggerRetry    Trigger = "retry"
	TriggerMisfire  Trigger = "misfire"
)

// RunKind says what a run executes: a stored job, a script sent with the request, or a command
// line.
type RunKind string

// The run kinds. The name that an ad-hoc script was sent under is its ScriptName; a command's is
// CommandName.
const (
	RunOfJob     RunKind = "job"
	RunOfScript  RunKind = "script"
	RunOfCommand RunKind = "command"
)

// CommandName is the script_name of the runs of POST /agent/command/execute.
const CommandName = "command"

// Run is one execution, or the record of why there was none. Absent values are nil or zero times.
type Run struct {
	ID         string // UUIDv7
	ScriptName string
	Kind       RunKind
	State      RunState
	Reason     string // one sentence, where the state needs one
	Trigger    Trigger
	Principal  string
	Attempt    int
	DueAt      time.Time
	StartedAt  time.Time
	EndedAt    time.Time
	// queued, and will be started at DueAt without a further commit: found so after a crash, it may
	// have run
	Armed bool
	PID   int
	// the process's start time in clock ticks after boot (Linux), to tell it from a later one of
	// the same number
	PIDStart uint64
	ExitCode *int
	Signal   string
	Count    int // how many firings or runs the record stands for; 0 and 1 mean one. See Fold
	Usage    Usage
	Output   OutputSummary
}

// Duration is how long the run took so far at now, or in all where it has ended.
func (r *Run) Duration(now time.Time) time.Duration {
	switch {
	case r.StartedAt.IsZero():
		return 0
	case r.EndedAt.IsZero():
		return now.Sub(r.StartedAt)
	default:
		return r.EndedAt.Sub(r.StartedAt)
	}
}

// Usage is what a run's processes used, as far as the host could tell.
type Usage struct {
	CPUUser     time.Duration
	CPUSystem   time.Duration
	MaxRSSBytes int64 // of the largest process, or of all where a cgroup measured it
}

// Stream names one of a run's two outputs.
type Stream uint8

// The streams.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// String returns "stdout" or "stderr".
func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// OutputChunk is a piece of one stream, in order of arrival.
type OutputChunk struct {
	Stream  Stream
	At      time.Time
	Data    []byte // any bytes, not only UTF-8
	Skipped int64  // >0: this many bytes of the stream were left out here, and Data is empty
}

// OutputSummary says what was kept of a run's output.
type OutputSummary struct {
	StdoutBytes     int64 // printed, not kept
	StderrBytes     int64
	StdoutTruncated bool
	StderrTruncated bool
	// the output, where it is short and quick, or its end, where that could not be filed; it is in
	// the run's row
	Inline []OutputChunk
	// the output, but for what is in Inline, lies in the run's sealed files
	InFile bool
}

// RunQuery selects runs, newest first.
type RunQuery struct {
	ScriptName string   // empty: of all
	State      RunState // empty: in any
	Before     string   // a run id: only those older than it
	Limit      int
}

// Requests about runs.
type (
	// ListRuns asks for a page of runs. Reply: RunPage.
	ListRuns struct{ Query RunQuery }
	// RunPage is one page, newest first. Next is the Before of the following page, empty where this
	// is the last.
	RunPage struct {
		Runs []Run
		Next string
	}
	// GetRun asks for one run. Reply: Run.
	GetRun struct{ ID string }
	// GetOutput asks for what a run printed so far, and, with Follow, for what it prints from now
	// on. Reply: RunOutput.
	GetOutput struct {
		ID     string
		Follow bool
	}
	// RunOutput calls back with the chunks one by one; Each returns the first error of each or of
	// the store. Data is valid only during the call.
	RunOutput struct {
		Run  Run
		Each func(each func(OutputChunk) error) error
		// nil: it was not asked for, or the run has ended and Each gives all
		Follower OutputFollower
	}
	// CancelRun ends a run's whole process tree. Reply: Run, as it stands when the request to end
	// was made. Code conflict: it has ended.
	CancelRun struct {
		ID     string
		Origin Origin
	}
	// ExecuteCommand runs a command line by `sh -c` (Windows: `cmd /C`) and waits. Reply:
	// RunFinished.
	ExecuteCommand struct {
		Command string
		Timeout time.Duration // 0: the parameter command_timeout_seconds
		Origin  Origin
	}
	// ExecuteScript runs a script that came with the request. Reply: RunFinished, or RunAccepted
	// where Async.
	ExecuteScript struct {
		Job    Job // the expression is ignored
		Async  bool
		Origin Origin
	}
	// RunJob runs a stored job now, outside its schedule. Reply: RunAccepted.
	RunJob struct {
		Name   string
		Origin Origin
	}
	// RunAccepted says that the run is recorded and will start.
	RunAccepted struct{ Run Run }
	// RunFinished is a run that has ended, with what it printed (each stream at most the run's
	// output limit, truncated as the summary says).
	RunFinished struct {
		Run    Run
		Stdout []byte
		Stderr []byte
	}
)

// LogValue of ExecuteCommand and ExecuteScript would otherwise print command lines and scripts,
// which may carry secrets.

// String keeps %v from printing the command line.
func (m ExecuteCommand) String() string { return "ExecuteCommand{by " + m.Origin.Principal + "}" }

// String keeps %v from printing the script.
func (m ExecuteScript) String() string { return "ExecuteScript{" + m.Job.Name + "}" }
