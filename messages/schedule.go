package messages

import "time"

// Requests to the scheduler.
type (
	// PutJob stores a job. Where the row must be absent (POST) the options are the defaults with
	// Patch applied; where it must be present (PUT) they are the stored ones with Patch applied.
	// Job.Options is ignored. Reply: JobPut.
	PutJob struct {
		Job    Job
		Patch  JobOptionsPatch
		Expect Expect
		Origin Origin
	}
	// JobPut says that the job is durable and planned.
	JobPut struct {
		Name string
		Next time.Time // zero: it never fires
		// one sentence, where the job is accepted but will not do what one may expect
		Warning string
	}
	// CheckJob asks whether the scheduler would take a job, and changes nothing. The patch counts
	// from the defaults, as where the row is absent. Reply: JobChecked, or the error that PutJob
	// would get.
	CheckJob struct {
		Job   Job
		Patch JobOptionsPatch
	}
	// JobChecked says that the scheduler would take the job.
	JobChecked struct{ Warning string } // as in JobPut
	// DeleteJob removes a job; a run under way ends by itself. Reply: JobDeleted.
	DeleteJob struct {
		Name   string
		Origin Origin
	}
	// JobDeleted says that the job is gone, durably.
	JobDeleted struct{ Name string }
	// ListJobs asks for the names. Reply: JobNames.
	ListJobs struct{}
	// JobNames holds all names in byte order. The slice is shared: nobody changes it. A list that
	// did not change is the same slice.
	JobNames struct{ Names []string }
	// GetJob asks for one stored job, whole. Reply: Job.
	GetJob struct{ Name string }
	// GetJobState asks how a job stands. Reply: JobStanding.
	GetJobState struct{ Name string }
	// JobStanding is how a job stands.
	JobStanding struct {
		Name    string
		Next    time.Time // zero: never
		LastRun *Run      // nil: none yet
		State   JobState
		Enabled bool
		Firing  bool // whether the scheduler as a whole fires (PUT /agent/jobs/stop)
	}
	// SetJobPaused pauses or resumes one job; resuming also lifts a quarantine. Reply: JobStanding.
	SetJobPaused struct {
		Name   string
		Paused bool
		Origin Origin
	}
	// SetFiring resumes or pauses all scheduled firing, durably. Reply: FiringSet.
	SetFiring struct {
		On     bool
		Origin Origin
	}
	// FiringSet says that the switch is durable.
	FiringSet struct{ On bool }
)

// String keeps %v from printing the script and the environment.
func (m CheckJob) String() string { return "CheckJob{" + m.Job.Name + "}" }

// String keeps %v from printing the script and the environment.
func (m PutJob) String() string { return "PutJob{" + m.Job.Name + "}" }
