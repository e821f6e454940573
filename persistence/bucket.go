package persistence

// bucketID numbers the buckets. The number stands in row hashes and in the ledger, so it never
// changes its meaning.
type bucketID uint8

// The buckets that hold rows. All of them have a digest in the ledger; those of the orders hold
// plain keys and no sealed value.
const (
	bucketVersion    bucketID = iota // agent_version: one row
	bucketParameters                 // server_config
	bucketJobs                       // scheduled_jobs
	bucketUsers                      // user_creds
	bucketApps                       // node_app_details
	bucketJobStates                  // job_state
	bucketRuns                       // runs, by id
	bucketByJob                      // order: job, id
	bucketByState                    // order: state, id
	bucketByJobState                 // order: job, state, id
	bucketRunLists                   // how many runs a job has and may keep
	bucketOutbox                     // outbox, by sequence
	bucketSettings                   // settings
	bucketTokens                     // tokens, not used yet
	bucketAudit                      // audit, not used yet
	bucketCount                      // not a bucket
)

// The buckets of the store itself. They have no digest: the first two are checked by what they
// open, the ledger by its seal.
const (
	nameMeta   = "meta"
	nameKeys   = "keys"
	nameLedger = "ledger"
)

// String returns the bucket's name in the file, which is part of the associated data of its values.
func (b bucketID) String() string {
	switch b {
	case bucketVersion:
		return "agent_version"
	case bucketParameters:
		return "server_config"
	case bucketJobs:
		return "scheduled_jobs"
	case bucketUsers:
		return "user_creds"
	case bucketApps:
		return "node_app_details"
	case bucketJobStates:
		return "job_state"
	case bucketRuns:
		return "runs"
	case bucketByJob:
		return "runs_by_job"
	case bucketByState:
		return "runs_by_state"
	case bucketByJobState:
		return "runs_by_job_state"
	case bucketRunLists:
		return "run_lists"
	case bucketOutbox:
		return "outbox"
	case bucketSettings:
		return "settings"
	case bucketTokens:
		return "tokens"
	case bucketAudit:
		return "audit"
	default:
		return "unknown"
	}
}

// isOrder reports whether the bucket's values are plain: the orders hold nothing but run ids,
// states and keyed hashes.
func (b bucketID) isOrder() bool {
	return b == bucketByJob || b == bucketByState || b == bucketByJobState
}
