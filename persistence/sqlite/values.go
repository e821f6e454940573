package sqlite

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"gusty/messages"
	"gusty/messages/table"
)

// appendValues appends the row's columns as the driver takes them.
func appendValues(args []any, row table.TableRow) ([]any, error) {
	switch r := row.(type) {
	case messages.VersionRow:
		return append(args, r.Version, r.Valid, r.BuildDate), nil
	case table.ConfigRow:
		return append(args, r.Name, r.Global, r.Local, r.CanModify), nil
	case table.JobTableRow:
		return appendJob(args, &r, encoded(r.Content)), nil
	case *table.JobTableRow:
		return appendJob(args, r, encoded(r.Content)), nil
	case table.UserTableRow:
		return append(args, r.Name, r.Password.Reveal()), nil
	case messages.AppRow:
		return append(args, r.User, r.Password.Reveal(), r.Endpoint, r.Purpose), nil
	case table.JobOptionsRow:
		options, err := r.Options.MarshalJSON()
		return append(args, r.Name, string(options)), err
	case *table.JobOptionsRow:
		options, err := r.Options.MarshalJSON()
		return append(args, r.Name, string(options)), err
	case table.UserOptionsRow:
		options, err := json.Marshal(r.Options)
		return append(args, r.Name, string(options)), err
	case table.RunTableRow:
		return append(args, r.ID, r.ScriptName, r.Kind, r.State, r.Reason, r.Trigger, r.Principal,
			r.Attempt, r.DueAt, r.StartedAt, r.EndedAt,
			orNull(r.ExitCode), r.Signal, r.StdoutBytes, r.StderrBytes, r.StdoutTruncated,
			r.StderrTruncated), nil
	case table.RunOutputRow:
		return append(args, r.RunID, r.Sequence, r.Stream, r.At, r.Data, r.SkippedBytes), nil
	}
	return nil, fmt.Errorf("%T is not a row of a table", row)
}

func encoded(script []byte) []byte {
	return base64.StdEncoding.AppendEncode(make([]byte, 0,
		base64.StdEncoding.EncodedLen(len(script))), script)
}

func appendJob(args []any, r *table.JobTableRow, content []byte) []any {
	return append(args, r.Name, content, r.CronExpression, r.Arguments, r.Type, r.OpenSearchIndex,
		r.OpenSearchEnabled)
}

func orNull(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}
