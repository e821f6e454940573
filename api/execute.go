package api

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"gusty/messages"
)

// commandRequest is the body of POST /agent/command/execute.
type commandRequest struct {
	Command        string `json:"command"` // base64
	TimeoutSeconds *int   `json:"timeout_seconds,omitempty" schema:"minimum=1,maximum=86400"`
}

// executedAnswer is what became of a command or script: success and message as the Rust agent has
// them, the rest beside it.
type executedAnswer struct {
	execAnswer
	RunID      string `json:"run_id"`
	ExitCode   *int   `json:"exit_code"` // null where a signal ended it
	Stdout     string `json:"stdout"`    // bytes that are not UTF-8 are replaced; GET …/output has them
	Stderr     string `json:"stderr"`
	DurationMS int64  `json:"duration_ms"`
	Truncated  bool   `json:"truncated"`
	TimedOut   bool   `json:"timed_out"`
}

// endingTime is what may pass on top of a run's own time: a kill with its grace, and the write of
// the outcome.
const endingTime = time.Minute

// maxCommandSeconds is the longest that a command may be given, a day.
const maxCommandSeconds = 24 * 60 * 60

func executeCommand(r *request) error {
	var in commandRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	command, err := in.text()
	if err != nil {
		return err
	}
	timeout, err := in.timeout()
	if err != nil {
		return err
	}
	wait := timeout
	if wait == 0 {
		wait = r.server.options.Config().Seconds(messages.ParamCommandTimeout)
	}
	run := messages.ExecuteCommand{Command: command, Timeout: timeout, Origin: r.origin()}
	finished, err := askLong[messages.RunFinished](r, run, wait+endingTime)
	if err != nil {
		return err
	}
	return r.ok(newExecutedAnswer(&finished, r.start))
}

// text returns the command line.
func (c *commandRequest) text() (string, error) {
	command, err := decodeBase64("command", c.Command)
	switch {
	case err != nil:
		return "", err
	case len(bytes.TrimSpace(command)) == 0:
		e := messages.Errorf(messages.CodeEmptyCommand, "empty command")
		e.Field = "command"
		return "", e
	case !utf8.Valid(command):
		return "", messages.Invalidf("command", "is not UTF-8 once decoded")
	case bytes.IndexByte(command, 0) >= 0:
		return "", messages.Invalidf("command", "must not contain a NUL character")
	}
	return string(command), nil
}

// timeout returns the time that the request names, or 0.
func (c *commandRequest) timeout() (time.Duration, error) {
	if c.TimeoutSeconds == nil {
		return 0, nil
	}
	if n := *c.TimeoutSeconds; n < 1 || n > maxCommandSeconds {
		return 0,
			messages.Invalidf("timeout_seconds", "%d is out of range 1 to %d", n, maxCommandSeconds)
	}
	return time.Duration(*c.TimeoutSeconds) * time.Second, nil
}

// startedAnswer says that a script runs in the background.
type startedAnswer struct {
	execAnswer
	RunID string `json:"run_id"`
}

func executeScript(r *request) error {
	var in executeRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	job, err := in.job(encodingPlain)
	if err != nil {
		return err
	}
	if len(job.Content) == 0 {
		return messages.Invalidf("content", "is empty: there is nothing to run")
	}
	run := messages.ExecuteScript{Job: job, Async: in.AsyncExec, Origin: r.origin()}
	if in.AsyncExec {
		accepted, err := ask[messages.RunAccepted](r, run)
		if err != nil {
			return err
		}
		return r.ok(startedAnswer{
			execAnswer: done("Job running in the background"),
			RunID:      accepted.Run.ID,
		})
	}
	finished, err := askLong[messages.RunFinished](r, run, scriptTime(&job.Options))
	if err != nil {
		return err
	}
	return r.ok(newExecutedAnswer(&finished, r.start))
}

// scriptTime is how long a script with these options may take, at most.
func scriptTime(o *messages.JobOptions) time.Duration {
	seconds := o.TimeoutSeconds
	if seconds == 0 {
		seconds = messages.MaxTimeoutSeconds
	}
	return time.Duration(seconds+o.KillGraceSeconds)*time.Second + endingTime
}

func newExecutedAnswer(f *messages.RunFinished, now time.Time) executedAnswer {
	out := executedAnswer{
		RunID: f.Run.ID, ExitCode: f.Run.ExitCode, Stdout: text(f.Stdout), Stderr: text(f.Stderr),
		DurationMS: f.Run.Duration(now).Milliseconds(),
		Truncated:  f.Run.Output.StdoutTruncated || f.Run.Output.StderrTruncated,
		TimedOut:   f.Run.State == messages.RunTimedOut,
	}
	if out.Success = f.Run.State == messages.RunSucceeded; out.Success {
		out.Message = out.Stdout
	} else {
		out.Message = "Command failed with error: " + out.Stderr
		if out.Stderr == "" && out.ExitCode == nil {
			out.Message += f.Run.Reason // it was ended, or never started
		}
	}
	return out
}

// text returns what was printed as JSON can carry it.
func text(printed []byte) string { return strings.ToValidUTF8(string(printed), "\uFFFD") }
