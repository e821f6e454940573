package format

// BucketID numbers the buckets. The number stands in row hashes and in the ledger, so it never
// changes its meaning.
type BucketID uint8

// The buckets that hold rows. All of them have a digest in the ledger; those of the orders hold
// plain keys and no sealed value.
const (
	BucketVersion    BucketID = iota // agent_version: one row
	BucketParameters                 // server_config
	BucketJobs                       // scheduled_jobs
	BucketUsers                      // user_creds
	BucketApps                       // node_app_details
	BucketJobStates                  // job_state
	BucketRuns                       // runs, by id
	BucketByJob                      // order: job, id
	BucketByState                    // order: state, id
	BucketByJobState                 // order: job, state, id
	BucketRunLists                   // how many runs a job has and may keep
	BucketOutbox                     // outbox, by sequence
	BucketSettings                   // settings
	bucketTokens                     // tokens, not used yet
	bucketAudit                      // audit, not used yet
	BucketCount                      // not a bucket
)

// The buckets of the store itself. They have no digest: the first two are checked by what they
// open, the ledger by its seal.
const (
	NameMeta   = "meta"
	NameKeys   = "keys"
	NameLedger = "ledger"
)

// String returns the bucket's name in the file, which is part of the associated data of its values.
func (b BucketID) String() string {
	switch b {
	case BucketVersion:
		return "agent_version"
	case BucketParameters:
		return "server_config"
	case BucketJobs:
		return "scheduled_jobs"
	case BucketUsers:
		return "user_creds"
	case BucketApps:
		return "node_app_details"
	case BucketJobStates:
		return "job_state"
	case BucketRuns:
		return "runs"
	case BucketByJob:
		return "runs_by_job"
	case BucketByState:
		return "runs_by_state"
	case BucketByJobState:
		return "runs_by_job_state"
	case BucketRunLists:
		return "run_lists"
	case BucketOutbox:
		return "outbox"
	case BucketSettings:
		return "settings"
	case bucketTokens:
		return "tokens"
	case bucketAudit:
		return "audit"
	default:
		return "unknown"
	}
}

// IsOrder reports whether the bucket's values are plain: the orders hold nothing but run ids,
// states and keyed hashes.
func (b BucketID) IsOrder() bool {
	return b == BucketByJob || b == BucketByState || b == BucketByJobState
}
