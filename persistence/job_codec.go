package persistence

import (
	"maps"
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/format"
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

func encodeJob(e *format.Encoder, j *messages.Job) {
	e.Text(jobName, j.Name)
	e.Bytes(jobContent, j.Content)
	e.Text(jobExpression, j.CronExpression)
	e.Text(jobArguments, j.Arguments)
	e.Uint(jobType, uint64(j.Type))
	e.Text(jobIndex, j.OpenSearchIndex)
	e.Bool(jobIndexEnabled, j.OpenSearchEnabled)
	e.Explicit = true
	encodeJobOptions(e, &j.Options)
	e.Explicit = false
}

func encodeJobOptions(e *format.Encoder, o *messages.JobOptions) {
	e.Bool(jobEnabled, o.Enabled)
	e.Text(jobDescription, o.Description)
	e.Text(jobTimeZone, o.TimeZone)
	e.Text(jobOverlapPolicy, string(o.OverlapPolicy))
	e.Text(jobMisfirePolicy, string(o.MisfirePolicy))
	e.Int(jobMisfireGrace, int64(o.MisfireGraceSeconds))
	e.Int(jobTimeout, int64(o.TimeoutSeconds))
	e.Int(jobKillGrace, int64(o.KillGraceSeconds))
	e.Int(jobMaxRetries, int64(o.MaxRetries))
	e.Int(jobRetryDelay, int64(o.RetryDelaySeconds))
	e.Int(jobJitter, int64(o.JitterSeconds))
	for _, name := range slices.Sorted(maps.Keys(o.Environment)) {
		var v format.Encoder
		v.Text(jobVariableName, name)
		v.Text(jobVariableValue, o.Environment[name].Reveal())
		e.Bytes(jobVariable, v.Buf)
	}
	e.Text(jobWorkingDirectory, o.WorkingDirectory)
	e.Text(jobRunAs, o.RunAs)
	e.Int(jobOutputLimit, o.OutputLimitBytes)
	e.Int(jobKeepRuns, int64(o.KeepRuns))
	for _, code := range o.SuccessExitCodes {
		e.Int(jobSuccessCode, int64(code))
	}
	e.Int(jobNice, int64(o.Nice))
	e.Int(jobMemoryLimit, o.MemoryLimitBytes)
	e.Int(jobCPULimit, int64(o.CPULimitPercent))
	e.Bool(jobKillRemaining, o.KillRemaining)
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
	d := format.Decoder{Rest: record}
	for d.Next() {
		if !wanted(d.Number) {
			continue
		}
		switch d.Number {
		case jobName:
			j.Name = d.Text()
		case jobExpression:
			j.CronExpression = d.Text()
		case jobType:
			j.Type = messages.ScriptType(d.Uint())
		case jobIndexEnabled:
			j.OpenSearchEnabled = d.Bool()
		case jobContent, jobArguments, jobIndex, jobVariable, jobDescription:
			decodeJobBulk(&d, j)
		default:
			decodeJobOption(&d, &j.Options)
		}
	}
	if j.Options.SuccessExitCodes == nil {
		j.Options.SuccessExitCodes = codes
	}
	return d.Err
}

func decodeJobBulk(d *format.Decoder, j *messages.Job) {
	switch d.Number {
	case jobContent:
		j.Content = append(j.Content, d.Data...)
	case jobArguments:
		j.Arguments = d.Text()
	case jobIndex:
		j.OpenSearchIndex = d.Text()
	case jobDescription:
		j.Options.Description = d.Text()
	case jobVariable:
		decodeVariable(d, &j.Options)
	}
}

func decodeVariable(d *format.Decoder, o *messages.JobOptions) {
	var name, value string
	v := format.Decoder{Rest: d.Data}
	for v.Next() {
		switch v.Number {
		case jobVariableName:
			name = v.Text()
		case jobVariableValue:
			value = v.Text()
		}
	}
	if v.Err != nil {
		d.Fail()
		return
	}
	if o.Environment == nil {
		o.Environment = map[string]messages.Secret{}
	}
	o.Environment[name] = messages.Secret(value)
}

func decodeJobOption(d *format.Decoder, o *messages.JobOptions) {
	switch d.Number {
	case jobEnabled:
		o.Enabled = d.Bool()
	case jobTimeZone:
		o.TimeZone = d.Text()
	case jobOverlapPolicy:
		o.OverlapPolicy = messages.OverlapPolicy(d.Text())
	case jobMisfirePolicy:
		o.MisfirePolicy = messages.MisfirePolicy(d.Text())
	case jobMisfireGrace:
		o.MisfireGraceSeconds = int(d.Int())
	case jobTimeout:
		o.TimeoutSeconds = int(d.Int())
	case jobKillGrace:
		o.KillGraceSeconds = int(d.Int())
	case jobMaxRetries:
		o.MaxRetries = int(d.Int())
	case jobRetryDelay:
		o.RetryDelaySeconds = int(d.Int())
	case jobJitter:
		o.JitterSeconds = int(d.Int())
	case jobWorkingDirectory:
		o.WorkingDirectory = d.Text()
	case jobRunAs:
		o.RunAs = d.Text()
	case jobOutputLimit:
		o.OutputLimitBytes = d.Int()
	case jobKeepRuns:
		o.KeepRuns = int(d.Int())
	case jobSuccessCode:
		o.SuccessExitCodes = append(o.SuccessExitCodes, int(d.Int()))
	case jobNice:
		o.Nice = int(d.Int())
	case jobMemoryLimit:
		o.MemoryLimitBytes = d.Int()
	case jobCPULimit:
		o.CPULimitPercent = int(d.Int())
	case jobKillRemaining:
		o.KillRemaining = d.Bool()
	}
}
