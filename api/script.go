package api

import (
	"bytes"
	"encoding/base64"
	"errors"

	"github.com/kballard/go-shellquote"

	"gusty/internal/cron"
	"gusty/messages"
)

// scriptFields are what a ScriptRequest has on every route; an option that is absent keeps its
// stored or default value.
type scriptFields struct {
	ScriptName        string `json:"script_name" schema:"minLength=1,maxLength=255"`
	Content           string `json:"content"`
	ScriptType        uint64 `json:"script_type" schema:"minimum=0,maximum=1"`
	Arguments         string `json:"arguments,omitempty" schema:"maxLength=4096"`
	AsyncExec         bool   `json:"async_exec,omitempty"`
	OpenSearchIndex   string `json:"opensearch_index,omitempty" schema:"maxLength=255"`
	OpenSearchEnabled bool   `json:"opensearch_enabled,omitempty"`
	ContentEncoding   string `json:"content_encoding,omitempty" schema:"enum=base64|plain"`
	messages.JobOptionsPatch
}

// storeRequest is the ScriptRequest of POST and PUT /agent/job.
type storeRequest struct {
	scriptFields
	CronExpression string `json:"cron_expression" schema:"minLength=1,maxLength=1024"`
}

// executeRequest is the ScriptRequest of POST /agent/job/execute.
type executeRequest struct {
	scriptFields
	CronExpression string `json:"cron_expression,omitempty"` // ignored
}

// How content may be encoded.
const (
	encodingBase64 = "base64"
	encodingPlain  = "plain"
)

// job makes a job of the fields and checks everything that can be told without the stored one.
// fallback is the encoding of a request that names none.
func (f *scriptFields) job(fallback string) (messages.Job, error) {
	content, err := f.script(fallback)
	if err != nil {
		return messages.Job{}, err
	}
	job := messages.Job{
		Name: f.ScriptName, Content: content, Arguments: f.Arguments,
		Type:            messages.ScriptType(f.ScriptType),
		OpenSearchIndex: f.OpenSearchIndex, OpenSearchEnabled: f.OpenSearchEnabled,
		Options: f.Apply(messages.DefaultJobOptions()),
	}
	if err := job.Validate(); err != nil {
		return messages.Job{}, err
	}
	if _, err := shellquote.Split(job.Arguments); err != nil {
		return messages.Job{}, messages.Invalidf("arguments", "a quote or a backslash at the end "+
			"has no counterpart")
	}
	if _, err := cron.LoadLocation(job.Options.TimeZone); err != nil {
		return messages.Job{}, messages.Invalidf("time_zone", "%s", err)
	}
	return job, nil
}

// script returns the script itself, without CR characters.
func (f *scriptFields) script(fallback string) ([]byte, error) {
	content := []byte(f.Content)
	switch orText(f.ContentEncoding, fallback) {
	case encodingPlain:
	case encodingBase64:
		decoded, err := decodeBase64("content", f.Content)
		if err != nil {
			return nil, err
		}
		content = decoded
	default:
		return nil,
			messages.Invalidf("content_encoding", "%q is neither base64 nor plain",
				clip(f.ContentEncoding))
	}
	return bytes.ReplaceAll(content, []byte{'\r'}, nil), nil
}

// decodeBase64 reads standard base64 with padding. Line breaks are skipped: the usual tools wrap
// their output.
func decodeBase64(field, text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, messages.Invalidf(field, "is not base64 (standard alphabet, with padding)")
	}
	return decoded, nil
}

// checkCron checks an expression; the error is a sentence that names the part of it at fault.
func checkCron(expression string) (*cron.Schedule, error) {
	if len(expression) > messages.MaxCronBytes {
		return nil,
			messages.Invalidf("cron_expression", "is longer than %d bytes", messages.MaxCronBytes)
	}
	schedule, err := cron.Parse(expression)
	if err == nil {
		return schedule, nil
	}
	var parse *cron.ParseError
	if errors.As(err, &parse) {
		return nil, messages.Invalidf("cron_expression", "%s", parse.Error())
	}
	return nil, messages.Invalidf("cron_expression", "is not a cron expression")
}
