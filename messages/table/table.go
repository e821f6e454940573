package table

import (
	"bytes"
	"maps"
	"time"

	"gusty/messages"
)

// TableRow is one row of an export: VersionRow, ConfigRow, JobTableRow, UserTableRow, AppRow,
// JobOptionsRow, UserOptionsRow, RunTableRow or RunOutputRow, or a pointer to one of the job's two.
// The JSON names of its fields are the columns, in their order. INTEGER columns that hold a flag
// are 0 or 1.
type TableRow interface {
	// Table returns the table's name.
	Table() string
	// RowName returns what the row is about, for reports: a parameter, a job, a user; empty where
	// the row has no name.
	RowName() string
}

// The rows.
type (
	// ConfigRow is a parameter.
	ConfigRow struct {
		Name      string `json:"param_name"`
		Global    string `json:"global_value"`
		Local     string `json:"local_value"`
		CanModify int64  `json:"can_modify"`
	}
	// JobTableRow is a job without Gusty's options. Content is the script itself; in JSON and
	// SQLite it stands as base64.
	JobTableRow struct {
		Name              string `json:"script_name"`
		Content           []byte `json:"content"`
		CronExpression    string `json:"cron_expression"`
		Arguments         string `json:"arguments"`
		Type              int64  `json:"script_type"`
		OpenSearchIndex   string `json:"opensearch_index"`
		OpenSearchEnabled int64  `json:"opensearch_enabled"`
	}
	// UserTableRow is a user with the bcrypt hash of the password, or Mask where secrets stay
	// inside.
	UserTableRow struct {
		Name     string          `json:"user_name"`
		Password messages.Secret `json:"password"`
	}
	// JobOptionsRow holds all options of a job, by the names of the REST contract.
	JobOptionsRow struct {
		Name    string           `json:"script_name"`
		Options StoredJobOptions `json:"options"`
	}
	// UserOptionsRow holds what a user has that is not as the Rust agent's users are.
	UserOptionsRow struct {
		Name    string            `json:"user_name"`
		Options StoredUserOptions `json:"options"`
	}
	// RunTableRow is a run. Times are RFC 3339 in UTC with milliseconds, and empty where there is
	// none.
	RunTableRow struct {
		ID              string `json:"run_id"`
		ScriptName      string `json:"script_name"`
		Kind            string `json:"kind"`
		State           string `json:"state"`
		Reason          string `json:"reason"`
		Trigger         string `json:"trigger"`
		Principal       string `json:"principal"`
		Attempt         int64  `json:"attempt"`
		DueAt           string `json:"due_at"`
		StartedAt       string `json:"started_at"`
		EndedAt         string `json:"ended_at"`
		ExitCode        *int64 `json:"exit_code"`
		Signal          string `json:"signal"`
		StdoutBytes     int64  `json:"stdout_bytes"`
		StderrBytes     int64  `json:"stderr_bytes"`
		StdoutTruncated int64  `json:"stdout_truncated"`
		StderrTruncated int64  `json:"stderr_truncated"`
	}
	// RunOutputRow is a piece of what a run printed, or, with SkippedBytes, of what was not kept.
	RunOutputRow struct {
		RunID        string `json:"run_id"`
		Sequence     int64  `json:"sequence"`
		Stream       string `json:"stream"`
		At           string `json:"at"`
		Data         []byte `json:"data"`
		SkippedBytes int64  `json:"skipped_bytes"`
	}
)

// StoredJobOptions are a job's options and whether it is paused.
type StoredJobOptions struct {
	messages.JobOptionsPatch
	Paused *bool `json:"paused,omitempty"`
}

// StoredUserOptions are what user_creds has no columns for.
type StoredUserOptions struct {
	Scopes   []messages.Scope `json:"scopes"`
	Disabled bool             `json:"disabled"`
}

// Table returns the table's name.
func (ConfigRow) Table() string { return messages.TableConfig }

// Table returns the table's name.
func (JobTableRow) Table() string { return messages.TableJobs }

// Table returns the table's name.
func (UserTableRow) Table() string { return messages.TableUsers }

// Table returns the table's name.
func (JobOptionsRow) Table() string { return messages.TableJobOptions }

// Table returns the table's name.
func (UserOptionsRow) Table() string { return messages.TableUserOptions }

// Table returns the table's name.
func (RunTableRow) Table() string { return messages.TableRuns }

// Table returns the table's name.
func (RunOutputRow) Table() string { return messages.TableRunOutput }

// RowName returns the parameter.
func (r ConfigRow) RowName() string { return r.Name }

// RowName returns the job.
func (r JobTableRow) RowName() string { return r.Name }

// RowName returns the user.
func (r UserTableRow) RowName() string { return r.Name }

// RowName returns the job.
func (r JobOptionsRow) RowName() string { return r.Name }

// RowName returns the user.
func (r UserOptionsRow) RowName() string { return r.Name }

// RowName returns the run's id.
func (r RunTableRow) RowName() string { return r.ID }

// RowName returns the run's id.
func (r RunOutputRow) RowName() string { return r.RunID }

// MarshalJSON writes the environment's values as they are: who builds the row has masked what must
// not leave.
func (o StoredJobOptions) MarshalJSON() ([]byte, error) {
	b := object{buf: []byte{'{'}}
	b.options("", &o)
	return bytes.TrimPrefix(b.buf, []byte(`{"":`)), b.err
}

// Whole returns the options of a job that has these and else the defaults. Values of the
// environment that are Mask stay so: the store knows what they stand for.
func (o *StoredJobOptions) Whole() messages.JobOptions {
	patch := o.JobOptionsPatch
	patch.Environment = nil
	whole := patch.Apply(messages.DefaultJobOptions())
	if o.Environment != nil {
		whole.Environment = maps.Clone(*o.Environment)
	}
	return whole
}

// Flag returns an INTEGER column's value for a flag.
func Flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// TableTime returns a time as the tables of runs have it.
func TableTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
