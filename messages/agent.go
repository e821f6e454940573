package messages

import "time"

// Build is what the linker and the module system say of this executable.
type Build struct {
	Version string // "0.1.0", or "dev" where none was given
	Commit  string // short revision, "+" behind it where the tree was changed; empty where unknown
	Date    string // RFC 3339, of the commit
}

// Capability is one thing that a host may or may not offer to the runs on it.
type Capability struct {
	Name      string // stable: "cgroup", "memory controller", …
	Available bool
	Detail    string // where it was found, or why it is not there
}

// Requests to the system as a whole.
type (
	// GetReadiness asks which actors are up. Reply: Readiness. It is answered without any actor's
	// help.
	GetReadiness struct{}
	// Readiness is the state of each actor ("up", "restarting" or "down"), and of run_starts ("up"
	// or "failing"). Ready is about the actors alone.
	Readiness struct {
		Ready  bool
		Reason string // why not, where it is not
		// why runs can't be started on this host now, one sentence; empty where they can
		Starts string
		// the storage_… code in force: the store serves reads and takes no changes; empty where all
		// is well
		Degraded   string
		Components map[string]string
	}
	// RestartActors restarts every actor but the executors, which reload their state from the
	// store. Reply: ActorsRestarted, when all are up.
	RestartActors struct{ Origin Origin }
	// ActorsRestarted says that every actor is up again.
	ActorsRestarted struct{}
	// ShutDown begins the ordered stop. Reply: ShutdownBegun, at once.
	ShutDown struct{ Origin Origin }
	// ShutdownBegun says that the agent is stopping.
	ShutdownBegun struct{}
	// GetStats asks for the counters behind /metrics. Reply: Stats. It is answered without any
	// actor's help.
	GetStats struct{}
)

// Stats are the agent's own counters since it started.
type Stats struct {
	Actors    []ActorStats
	Scheduler SchedulerStats
	Runs      map[RunState]uint64 // ended since start, by outcome
	Active    uint64              // runs under way
	Outbox    OutboxStanding
	Store     StoreStats
	Starts    StartStats
}

// StartStats tell whether the host lets runs start.
type StartStats struct {
	Failing  bool   // it does not, now
	Failures uint64 // of runs, since start, for a reason of the host and not of their jobs
}

// ActorStats are one actor's counters.
type ActorStats struct {
	Name         string
	State        string // up, restarting, down
	Restarts     uint64
	MailboxDepth uint64
}

// SchedulerStats are the scheduler's counters.
type SchedulerStats struct {
	Jobs        uint64
	Due         uint64 // firings whose time came, since start
	Fired       uint64 // of those, handed to an executor
	Firing      bool
	Quarantined uint64
	NextDue     time.Time
	Lag         Histogram // from due time to the process's start, in seconds
}

// Histogram is a cumulative histogram in the sense of Prometheus.
type Histogram struct {
	Bounds []float64 // upper bounds, ascending, without +Inf
	Counts []uint64  // one more than Bounds: the last is +Inf; each counts its own bucket only
	Sum    float64
}

// StoreStats are the store's counters.
type StoreStats struct {
	Commits   uint64 // transactions
	Changes   uint64 // changes in them
	FileBytes uint64
	Runs      uint64 // stored
	RunBytes  uint64 // that they take, in rows and output files
	Degraded  string // the storage_… code in force, empty where all is well
}
