package api

import (
	"encoding/base64"
	"net/http"

	"gusty/messages"
)

// jobAnswer is a stored job: the fields of a ScriptRequest as they are in force.
type jobAnswer struct {
	ScriptName          string                 `json:"script_name"`
	Content             string                 `json:"content"` // base64
	CronExpression      string                 `json:"cron_expression"`
	Arguments           string                 `json:"arguments"`
	ScriptType          uint64                 `json:"script_type"`
	OpenSearchIndex     string                 `json:"opensearch_index"`
	OpenSearchEnabled   bool                   `json:"opensearch_enabled"`
	Enabled             bool                   `json:"enabled"`
	Description         string                 `json:"description"`
	TimeZone            string                 `json:"time_zone"`
	OverlapPolicy       messages.OverlapPolicy `json:"overlap_policy"`
	MisfirePolicy       messages.MisfirePolicy `json:"misfire_policy"`
	MisfireGraceSeconds int                    `json:"misfire_grace_seconds"`
	TimeoutSeconds      int                    `json:"timeout_seconds"`
	KillGraceSeconds    int                    `json:"kill_grace_seconds"`
	MaxRetries          int                    `json:"max_retries"`
	RetryDelaySeconds   int                    `json:"retry_delay_seconds"`
	JitterSeconds       int                    `json:"jitter_seconds"`
	Environment         map[string]string      `json:"environment"` // every value masked
	WorkingDirectory    string                 `json:"working_directory"`
	RunAs               string                 `json:"run_as"`
	OutputLimitBytes    int64                  `json:"output_limit_bytes"`
	KeepRuns            int                    `json:"keep_runs"`
	SuccessExitCodes    []int                  `json:"success_exit_codes"`
	Nice                int                    `json:"nice"`
	MemoryLimitBytes    int64                  `json:"memory_limit_bytes"`
	CPULimitPercent     int                    `json:"cpu_limit_percent"`
	KillRemaining       bool                   `json:"kill_remaining"`
}

func newJobAnswer(j *messages.Job) jobAnswer {
	o := &j.Options
	return jobAnswer{
		ScriptName: j.Name, Content: base64.StdEncoding.EncodeToString(j.Content),
		CronExpression: j.CronExpression,
		Arguments:      j.Arguments, ScriptType: uint64(j.Type), OpenSearchIndex: j.OpenSearchIndex,
		OpenSearchEnabled: j.OpenSearchEnabled,
		Enabled:           o.Enabled, Description: o.Description, TimeZone: o.TimeZone,
		OverlapPolicy: o.OverlapPolicy, MisfirePolicy: o.MisfirePolicy,
		MisfireGraceSeconds: o.MisfireGraceSeconds,
		TimeoutSeconds:      o.TimeoutSeconds, KillGraceSeconds: o.KillGraceSeconds,
		MaxRetries:        o.MaxRetries,
		RetryDelaySeconds: o.RetryDelaySeconds, JitterSeconds: o.JitterSeconds,
		Environment:      masked(o.Environment),
		WorkingDirectory: o.WorkingDirectory, RunAs: o.RunAs, OutputLimitBytes: o.OutputLimitBytes,
		KeepRuns:         o.KeepRuns,
		SuccessExitCodes: notNil(o.SuccessExitCodes), Nice: o.Nice,
		MemoryLimitBytes: o.MemoryLimitBytes,
		CPULimitPercent:  o.CPULimitPercent, KillRemaining: o.KillRemaining,
	}
}

func masked(environment map[string]messages.Secret) map[string]string {
	out := make(map[string]string, len(environment))
	for name := range environment {
		out[name] = messages.Mask
	}
	return out
}

// listJobs and getJobByScriptName are one route under two names of its parameter.
func listJobs(r *request) error { return r.jobOrNames(r.queryText("name")) }

func getJobByScriptName(r *request) error { return r.jobOrNames(r.queryText("script_name")) }

func (r *request) jobOrNames(name string) error {
	if name == "" {
		list, err := ask[messages.JobNames](r, messages.ListJobs{})
		if err != nil {
			return err
		}
		return r.ok(notNil(list.Names))
	}
	job, err := ask[messages.Job](r, messages.GetJob{Name: name})
	if err != nil {
		return err
	}
	return r.ok(newJobAnswer(&job))
}

// savedAnswer says that a job is stored, and what will come of it.
type savedAnswer struct {
	execAnswer
	NextDueAt *string `json:"next_due_at"`       // null: it never fires
	Warning   string  `json:"warning,omitempty"` // why it will not do what one may expect
}

func postJob(r *request) error { return r.putJob(messages.ExpectAbsent) }

func putJob(r *request) error { return r.putJob(messages.ExpectPresent) }

func (r *request) putJob(expect messages.Expect) error {
	var in storeRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	job, err := in.job(encodingBase64)
	if err != nil {
		return err
	}
	job.CronExpression = in.CronExpression
	if _, err := checkCron(job.CronExpression); err != nil {
		return err
	}
	put := messages.PutJob{Job: job, Patch: in.JobOptionsPatch, Expect: expect, Origin: r.origin()}
	saved, err := ask[messages.JobPut](r, put)
	if err != nil {
		return err
	}
	return r.ok(savedAnswer{
		execAnswer: done("Script saved successfully"),
		NextDueAt:  timeOrNull(saved.Next),
		Warning:    saved.Warning,
	})
}

func deleteJob(r *request) error {
	if _, err := ask[messages.JobDeleted](r, messages.DeleteJob{
		Name:   r.queryText("script_name"),
		Origin: r.origin(),
	}); err != nil {
		return err
	}
	return r.ok("Script deleted successfully")
}

func startJobs(r *request) error { return r.setFiring(true, "Job execution started") }

func stopJobs(r *request) error { return r.setFiring(false, "Job execution stopped") }

func (r *request) setFiring(on bool, message string) error {
	if _, err := ask[messages.FiringSet](r, messages.SetFiring{
		On:     on,
		Origin: r.origin(),
	}); err != nil {
		return err
	}
	return r.ok(message)
}

// standingAnswer is how a job stands.
type standingAnswer struct {
	ScriptName       string     `json:"script_name"`
	NextDueAt        *string    `json:"next_due_at"`
	LastRun          *runAnswer `json:"last_run"`
	FailureStreak    int        `json:"failure_streak"`
	Enabled          bool       `json:"enabled"`
	Paused           bool       `json:"paused"`
	Quarantined      bool       `json:"quarantined"`
	QuarantineReason *string    `json:"quarantine_reason"`
	Firing           bool       `json:"firing"` // whether the agent fires anything at all
}

func (r *request) standing(s messages.JobStanding) error {
	out := standingAnswer{
		ScriptName: s.Name, NextDueAt: timeOrNull(s.Next), FailureStreak: s.State.FailureStreak,
		Enabled: s.Enabled,
		Paused:  s.State.Paused, Quarantined: s.State.Quarantined,
		QuarantineReason: textOrNull(s.State.Reason), Firing: s.Firing,
	}
	if s.LastRun != nil {
		run := newRunAnswer(s.LastRun, r.start)
		out.LastRun = &run
	}
	return r.ok(out)
}

func getJobState(r *request) error {
	standing, err := ask[messages.JobStanding](r,
		messages.GetJobState{Name: r.queryText("script_name")})
	if err != nil {
		return err
	}
	return r.standing(standing)
}

func pauseJob(r *request) error { return r.setPaused(true) }

func resumeJob(r *request) error { return r.setPaused(false) }

func (r *request) setPaused(paused bool) error {
	set := messages.SetJobPaused{
		Name:   r.queryText("script_name"),
		Paused: paused,
		Origin: r.origin(),
	}
	standing, err := ask[messages.JobStanding](r, set)
	if err != nil {
		return err
	}
	return r.standing(standing)
}

func runJob(r *request) error {
	accepted, err := ask[messages.RunAccepted](r, messages.RunJob{
		Name:   r.queryText("script_name"),
		Origin: r.origin(),
	})
	if err != nil {
		return err
	}
	return r.json(http.StatusAccepted, newRunAnswer(&accepted.Run, r.start))
}
