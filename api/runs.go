package api

import (
	"strings"
	"time"

	"gusty/messages"
)

// runAnswer is Run. Absent values are null.
type runAnswer struct {
	RunID           string            `json:"run_id" schema:"format=uuid"`
	ScriptName      string            `json:"script_name"`
	State           messages.RunState `json:"state"`
	Reason          *string           `json:"reason"`
	Trigger         messages.Trigger  `json:"trigger"`
	DueAt           *string           `json:"due_at" schema:"format=date-time"`
	StartedAt       *string           `json:"started_at" schema:"format=date-time"`
	EndedAt         *string           `json:"ended_at" schema:"format=date-time"`
	DurationMS      *int64            `json:"duration_ms"` // so far, where it runs
	ExitCode        *int              `json:"exit_code"`
	Signal          *string           `json:"signal"`
	Attempt         int               `json:"attempt"`
	Count           int               `json:"count" schema:"minimum=1"` // of firings or runs
	StdoutBytes     int64             `json:"stdout_bytes"`
	StderrBytes     int64             `json:"stderr_bytes"`
	StdoutTruncated bool              `json:"stdout_truncated"`
	StderrTruncated bool              `json:"stderr_truncated"`
	CPUUserMS       *int64            `json:"cpu_user_ms"`
	CPUSystemMS     *int64            `json:"cpu_system_ms"`
	MaxRSSBytes     *int64            `json:"max_rss_bytes"`
	Principal       *string           `json:"principal"`
}

func newRunAnswer(run *messages.Run, now time.Time) runAnswer {
	out := runAnswer{
		RunID: run.ID, ScriptName: run.ScriptName, State: run.State, Reason: textOrNull(run.Reason),
		Trigger: run.Trigger,
		DueAt:   timeOrNull(run.DueAt), StartedAt: timeOrNull(run.StartedAt),
		EndedAt:  timeOrNull(run.EndedAt),
		ExitCode: run.ExitCode, Signal: textOrNull(run.Signal), Attempt: run.Attempt,
		Count:       run.Firings(),
		StdoutBytes: run.Output.StdoutBytes, StderrBytes: run.Output.StderrBytes,
		StdoutTruncated: run.Output.StdoutTruncated, StderrTruncated: run.Output.StderrTruncated,
		Principal: textOrNull(run.Principal),
	}
	if !run.StartedAt.IsZero() {
		out.DurationMS = milliseconds(run.Duration(now))
	}
	if run.Usage != (messages.Usage{}) { // a process that ran used some memory: nobody looked
		out.CPUUserMS, out.CPUSystemMS = milliseconds(run.Usage.CPUUser), milliseconds(
			run.Usage.CPUSystem)
		rss := run.Usage.MaxRSSBytes
		out.MaxRSSBytes = &rss
	}
	return out
}

func milliseconds(d time.Duration) *int64 {
	ms := max(d.Milliseconds(), 0)
	return &ms
}

// timeText returns a time as every answer has it: RFC 3339, UTC, milliseconds.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := timeText(t)
	return &text
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// runPage is one page of runs, newest first.
type runPage struct {
	Items []runAnswer `json:"items"`
	Next  *string     `json:"next"` // the next page's ?before=
}

func listRuns(r *request) error {
	page, err := ask[messages.RunPage](r, messages.ListRuns{Query: messages.RunQuery{
		ScriptName: r.queryText("script_name"), State: messages.RunState(r.queryText("state")),
		Before: strings.ToLower(r.queryText("before")), Limit: r.queryInt("limit"),
	}})
	if err != nil {
		return err
	}
	out := runPage{Items: make([]runAnswer, 0, len(page.Runs)), Next: textOrNull(page.Next)}
	for i := range page.Runs {
		out.Items = append(out.Items, newRunAnswer(&page.Runs[i], r.start))
	}
	return r.ok(out)
}

// runID returns the path's run id. What is no id is the id of no run.
func (r *request) runID() (string, error) {
	if !isID(r.param) {
		return "", messages.Errorf(messages.CodeNotFound, "there is no such run; a run's id is a "+
			"UUID")
	}
	return strings.ToLower(r.param), nil
}

func getRun(r *request) error {
	id, err := r.runID()
	if err != nil {
		return err
	}
	run, err := ask[messages.Run](r, messages.GetRun{ID: id})
	if err != nil {
		return err
	}
	return r.ok(newRunAnswer(&run, r.start))
}

func cancelRun(r *request) error {
	id, err := r.runID()
	if err != nil {
		return err
	}
	run, err := ask[messages.Run](r, messages.CancelRun{ID: id, Origin: r.origin()})
	if err != nil {
		return err
	}
	return r.ok(newRunAnswer(&run, r.start))
}
