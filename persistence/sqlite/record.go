package sqlite

import (
	"encoding/json"
	"fmt"

	"gusty/messages"
	"gusty/messages/table"
)

// record is one row as SQLite gives it: of each column its type, its size and its value.
type record struct {
	table   relation
	kinds   []string
	sizes   []int64
	values  []any
	targets []any // for Scan
}

func newRecord(t relation) *record {
	n := len(t.columns)
	r := &record{
		table:  t,
		kinds:  make([]string, n),
		sizes:  make([]int64, n),
		values: make([]any, n),
	}
	for i := range t.columns {
		r.targets = append(r.targets, &r.kinds[i], &r.sizes[i], &r.values[i])
	}
	return r
}

// name returns what the row is about, where that can be told.
func (r *record) name() string {
	text, _ := r.values[0].(string)
	return text
}

// check returns why a value is none of its column's.
func (r *record) check() string {
	for i, c := range r.table.columns {
		got := r.kinds[i]
		fits := got == "null" || got == "text" && c.kind != kindInteger || got == "blob" &&
			c.kind == kindBlob || got == "integer" && c.kind == kindInteger
		switch {
		case !fits:
			return fmt.Sprintf("%s is of the type %s and not %s", c.name, got, c.kind)
		case r.sizes[i] > c.most && c.kind != kindInteger:
			return fmt.Sprintf("%s has %d bytes, at most %d are taken", c.name, r.sizes[i], c.most)
		}
	}
	return ""
}

func (r *record) text(i int) string {
	switch value := r.values[i].(type) {
	case string:
		return value
	case []byte:
		return string(value)
	}
	return ""
}

func (r *record) number(i int) int64 {
	n, _ := r.values[i].(int64)
	return n
}

func (r *record) numberOrNil(i int) *int64 {
	n, ok := r.values[i].(int64)
	if !ok {
		return nil
	}
	return &n
}

// row returns the row, or why it is none.
func (r *record) row(how Encoding) (row table.TableRow, notes []string, why string) {
	if why := r.check(); why != "" {
		return nil, nil, why
	}
	switch r.table.name {
	case messages.TableVersion:
		return messages.VersionRow{
			Version:   r.text(0),
			Valid:     r.number(1),
			BuildDate: r.text(2),
		}, nil, ""
	case messages.TableConfig:
		return table.ConfigRow{
			Name:      r.text(0),
			Global:    r.text(1),
			Local:     r.text(2),
			CanModify: r.number(3),
		}, nil, ""
	case messages.TableJobs:
		return r.job(how)
	case messages.TableUsers:
		return table.UserTableRow{Name: r.text(0), Password: messages.Secret(r.text(1))}, nil, ""
	case messages.TableApps:
		return messages.AppRow{
			User:     r.text(0),
			Password: messages.Secret(r.text(1)),
			Endpoint: r.text(2),
			Purpose:  r.text(3),
		}, nil, ""
	case messages.TableJobOptions, messages.TableUserOptions:
		return r.options()
	case messages.TableRuns:
		return r.run(), nil, ""
	}
	return table.RunOutputRow{
		RunID: r.text(0), Sequence: r.number(1), Stream: r.text(2), At: r.text(3),
		Data: []byte(r.text(4)), SkippedBytes: r.number(5),
	}, nil, ""
}

func (r *record) job(how Encoding) (table.TableRow, []string, string) {
	content, read, err := decodeContent([]byte(r.text(1)), how)
	if err != nil {
		return nil, nil, "content is not base64 (standard alphabet, with padding)"
	}
	var notes []string
	if len(content) > 0 && how == EncodingAuto {
		notes = []string{"the script was read as " + string(read)}
	}
	return table.JobTableRow{
		Name: r.text(0), Content: content, CronExpression: r.text(2), Arguments: r.text(3),
		Type: r.number(4), OpenSearchIndex: r.text(5),
		OpenSearchEnabled: r.number(6),
	}, notes, ""
}

// options reads the JSON of a row through the form that it has as a line.
func (r *record) options() (table.TableRow, []string, string) {
	column := r.table.columns[0].name
	line, err := json.Marshal(map[string]any{
		"table": r.table.name, "row": map[string]any{
			column:    r.text(0),
			"options": json.RawMessage(r.text(1)),
		},
	})
	if err != nil {
		return nil, nil, "options are not JSON"
	}
	row, err := table.ParseLine(line)
	if err != nil {
		return nil, nil, err.Error()
	}
	return row, nil, ""
}

func (r *record) run() table.RunTableRow {
	return table.RunTableRow{
		ID: r.text(0), ScriptName: r.text(1), Kind: r.text(2), State: r.text(3), Reason: r.text(4),
		Trigger: r.text(5), Principal: r.text(6),
		Attempt: r.number(7), DueAt: r.text(8), StartedAt: r.text(9), EndedAt: r.text(10),
		ExitCode: r.numberOrNil(11), Signal: r.text(12),
		StdoutBytes: r.number(13), StderrBytes: r.number(14), StdoutTruncated: r.number(15),
		StderrTruncated: r.number(16),
	}
}
