package persistence

import (
	"maps"
	"slices"

	"gusty/messages"
)

// The fields of a job's record. Those of the options are always written, so that a default that
// changes later changes no stored job.
const (
	jobName             = 1
	jobContent          = 2
	jobExpression       = 3
	jobArguments        = 4
	jobType             = 5
	jobIndex            = 6
	jobIndexEnabled     = 7
	jobEnabled          = 16
	jobDescription      = 17
	jobTimeZone         = 18
	jobOverlapPolicy    = 19
	jobMisfirePolicy    = 20
	jobMisfireGrace     = 21
	jobTimeout          = 22
	jobKillGrace        = 23
	jobMaxRetries       = 24
	jobRetryDelay       = 25
	jobJitter           = 26
	jobVariable         = 27 // repeated: a record of name (1) and value (2)
	jobWorkingDirectory = 28
	jobRunAs            = 29
	jobOutputLimit      = 30
	jobKeepRuns         = 31
	jobSuccessCode      = 32 // repeated
	jobNice             = 33
	jobMemoryLimit      = 34
	jobCPULimit         = 35
	jobKillRemaining    = 36
	jobVariableName     = 1
	jobVariableValue    = 2
)

func encodeJob(e *encoder, j *messages.Job) {
	e.text(jobName, j.Name)
	e.bytes(jobContent, j.Content)
	e.text(jobExpression, j.CronExpression)
	e.text(jobArguments, j.Arguments)
	e.uint(jobType, uint64(j.Type))
	e.text(jobIndex, j.OpenSearchIndex)
	e.bool(jobIndexEnabled, j.OpenSearchEnabled)
	e.explicit = true
	encodeJobOptions(e, &j.Options)
	e.explicit = false
}

func encodeJobOptions(e *encoder, o *messages.JobOptions) {
	e.bool(jobEnabled, o.Enabled)
	e.text(jobDescription, o.Description)
	e.text(jobTimeZone, o.TimeZone)
	e.text(jobOverlapPolicy, string(o.OverlapPolicy))
	e.text(jobMisfirePolicy, string(o.MisfirePolicy))
	e.int(jobMisfireGrace, int64(o.MisfireGraceSeconds))
	e.int(jobTimeout, int64(o.TimeoutSeconds))
	e.int(jobKillGrace, int64(o.KillGraceSeconds))
	e.int(jobMaxRetries, int64(o.MaxRetries))
	e.int(jobRetryDelay, int64(o.RetryDelaySeconds))
	e.int(jobJitter, int64(o.JitterSeconds))
	for _, name := range slices.Sorted(maps.Keys(o.Environment)) {
		var v encoder
		v.text(jobVariableName, name)
		v.text(jobVariableValue, o.Environment[name].Reveal())
		e.bytes(jobVariable, v.buf)
	}
	e.text(jobWorkingDirectory, o.WorkingDirectory)
	e.text(jobRunAs, o.RunAs)
	e.int(jobOutputLimit, o.OutputLimitBytes)
	e.int(jobKeepRuns, int64(o.KeepRuns))
	for _, code := range o.SuccessExitCodes {
		e.int(jobSuccessCode, int64(code))
	}
	e.int(jobNice, int64(o.Nice))
	e.int(jobMemoryLimit, o.MemoryLimitBytes)
	e.int(jobCPULimit, int64(o.CPULimitPercent))
	e.bool(jobKillRemaining, o.KillRemaining)
}

// decodeJob reads a job; of its head alone where head is set, so that a scan copies no scripts.
func decodeJob(record []byte, head bool) (messages.Job, error) {
	var j messages.Job
	err := decodeJobFields(record, &j, func(number uint64) bool {
		switch number {
		case jobContent, jobArguments, jobIndex, jobVariable, jobDescription:
			return !head
		}
		return true
	})
	return j, err
}

// decodeJobFields reads those fields of a job that are wanted, over whatever j was. The script goes
// into the space of the old one.
func decodeJobFields(record []byte, j *messages.Job, wanted func(number uint64) bool) error {
	*j = messages.Job{Options: messages.DefaultJobOptions(), Content: j.Content[:0]}
	codes := j.Options.SuccessExitCodes
	j.Options.SuccessExitCodes = nil
	d := decoder{rest: record}
	for d.next() {
		if !wanted(d.number) {
			continue
		}
		switch d.number {
		case jobName:
			j.Name = d.text()
		case jobExpression:
			j.CronExpression = d.text()
		case jobType:
			j.Type = messages.ScriptType(d.uint())
		case jobIndexEnabled:
			j.OpenSearchEnabled = d.bool()
		case jobContent, jobArguments, jobIndex, jobVariable, jobDescription:
			decodeJobBulk(&d, j)
		default:
			decodeJobOption(&d, &j.Options)
		}
	}
	if j.Options.SuccessExitCodes == nil {
		j.Options.SuccessExitCodes = codes
	}
	return d.err
}

func decodeJobBulk(d *decoder, j *messages.Job) {
	switch d.number {
	case jobContent:
		j.Content = append(j.Content, d.data...)
	case jobArguments:
		j.Arguments = d.text()
	case jobIndex:
		j.OpenSearchIndex = d.text()
	case jobDescription:
		j.Options.Description = d.text()
	case jobVariable:
		decodeVariable(d, &j.Options)
	}
}

func decodeVariable(d *decoder, o *messages.JobOptions) {
	var name, value string
	v := decoder{rest: d.data}
	for v.next() {
		switch v.number {
		case jobVariableName:
			name = v.text()
		case jobVariableValue:
			value = v.text()
		}
	}
	if v.err != nil {
		d.fail()
		return
	}
	if o.Environment == nil {
		o.Environment = map[string]messages.Secret{}
	}
	o.Environment[name] = messages.Secret(value)
}

func decodeJobOption(d *decoder, o *messages.JobOptions) {
	switch d.number {
	case jobEnabled:
		o.Enabled = d.bool()
	case jobTimeZone:
		o.TimeZone = d.text()
	case jobOverlapPolicy:
		o.OverlapPolicy = messages.OverlapPolicy(d.text())
	case jobMisfirePolicy:
		o.MisfirePolicy = messages.MisfirePolicy(d.text())
	case jobMisfireGrace:
		o.MisfireGraceSeconds = int(d.int())
	case jobTimeout:
		o.TimeoutSeconds = int(d.int())
	case jobKillGrace:
		o.KillGraceSeconds = int(d.int())
	case jobMaxRetries:
		o.MaxRetries = int(d.int())
	case jobRetryDelay:
		o.RetryDelaySeconds = int(d.int())
	case jobJitter:
		o.JitterSeconds = int(d.int())
	case jobWorkingDirectory:
		o.WorkingDirectory = d.text()
	case jobRunAs:
		o.RunAs = d.text()
	case jobOutputLimit:
		o.OutputLimitBytes = d.int()
	case jobKeepRuns:
		o.KeepRuns = int(d.int())
	case jobSuccessCode:
		o.SuccessExitCodes = append(o.SuccessExitCodes, int(d.int()))
	case jobNice:
		o.Nice = int(d.int())
	case jobMemoryLimit:
		o.MemoryLimitBytes = d.int()
	case jobCPULimit:
		o.CPULimitPercent = int(d.int())
	case jobKillRemaining:
		o.KillRemaining = d.bool()
	}
}
