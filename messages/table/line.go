package table

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"gusty/messages"
)

// MaxLineBytes bounds one line of an export: a script of MaxScriptBytes in base64, an environment,
// and the names around them.
const MaxLineBytes = 64 << 20

// AppendLine appends a row as one line of an export: {"table":"…","row":{…}} and a line feed. It
// fails for no row that the store gave.
func AppendLine(buf []byte, row TableRow) ([]byte, error) {
	buf = append(buf, `{"table":"`...)
	buf = append(buf, row.Table()...)
	buf = append(buf, `","row":{`...)
	o := object{buf: buf}
	switch r := row.(type) {
	case messages.VersionRow:
		o.text("version", r.Version).number("version_valid", r.Valid).text("build_date",
			r.BuildDate)
	case ConfigRow:
		o.text("param_name", r.Name).text("global_value", r.Global).text("local_value",
			r.Local).number("can_modify", r.CanModify)
	case JobTableRow:
		o.job(&r)
	case *JobTableRow:
		o.job(r)
	case UserTableRow:
		o.text("user_name", r.Name).text("password", r.Password.Reveal())
	case messages.AppRow:
		o.text("user_name", r.User).text("password", r.Password.Reveal()).text("endpoint",
			r.Endpoint).text("purpose", r.Purpose)
	case JobOptionsRow:
		o.text("script_name", r.Name).options("options", &r.Options)
	case *JobOptionsRow:
		o.text("script_name", r.Name).options("options", &r.Options)
	case UserOptionsRow:
		o.text("user_name", r.Name).json("options", r.Options)
	case RunTableRow:
		o.run(&r)
	case RunOutputRow:
		o.text("run_id", r.RunID).number("sequence", r.Sequence).text("stream", r.Stream).text("at",
			r.At).base64("data", r.Data).
			number("skipped_bytes", r.SkippedBytes)
	default:
		return nil, fmt.Errorf("%T is not a row of an export", row)
	}
	return append(o.buf, '}', '}', '\n'), o.err
}

// object appends the members of a JSON object.
type object struct {
	buf []byte
	err error
}

func (o *object) job(r *JobTableRow) {
	o.text("script_name", r.Name).base64("content", r.Content).text("cron_expression",
		r.CronExpression).text("arguments", r.Arguments).
		number("script_type", r.Type).text("opensearch_index",
		r.OpenSearchIndex).number("opensearch_enabled", r.OpenSearchEnabled)
}

func (o *object) run(r *RunTableRow) {
	o.text("run_id", r.ID).text("script_name", r.ScriptName).text("kind", r.Kind).text("state",
		r.State).text("reason", r.Reason).
		text("trigger", r.Trigger).text("principal", r.Principal).number("attempt",
		r.Attempt).text("due_at", r.DueAt).
		text("started_at", r.StartedAt).text("ended_at", r.EndedAt).json("exit_code",
		r.ExitCode).text("signal", r.Signal).
		number("stdout_bytes", r.StdoutBytes).number("stderr_bytes", r.StderrBytes).
		number("stdout_truncated", r.StdoutTruncated).number("stderr_truncated", r.StderrTruncated)
}

func (o *object) key(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

func (o *object) text(name, value string) *object {
	o.key(name)
	if isPlain(value) {
		o.buf = append(o.buf, '"')
		o.buf = append(o.buf, value...)
		o.buf = append(o.buf, '"')
		return o
	}
	return o.value(value)
}

// isPlain reports whether a text stands in JSON as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (o *object) number(name string, value int64) *object {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, value, 10)
	return o
}

func (o *object) base64(name string, value []byte) *object {
	o.key(name)
	o.buf = append(o.buf, '"')
	o.buf = base64.StdEncoding.AppendEncode(o.buf, value)
	o.buf = append(o.buf, '"')
	return o
}

func (o *object) json(name string, value any) *object {
	o.key(name)
	return o.value(value)
}

// options writes what MarshalJSON of StoredJobOptions writes, without what that leaves behind: an
// export has a row of options for each job.
func (o *object) options(name string, s *StoredJobOptions) {
	o.key(name)
	o.buf = append(o.buf, '{')
	member("enabled", s.Enabled, o.flag)
	member("description", s.Description, o.text)
	member("time_zone", s.TimeZone, o.text)
	member("overlap_policy", (*string)(s.OverlapPolicy), o.text)
	member("misfire_policy", (*string)(s.MisfirePolicy), o.text)
	member("misfire_grace_seconds", s.MisfireGraceSeconds, o.int)
	member("timeout_seconds", s.TimeoutSeconds, o.int)
	member("kill_grace_seconds", s.KillGraceSeconds, o.int)
	member("max_retries", s.MaxRetries, o.int)
	member("retry_delay_seconds", s.RetryDelaySeconds, o.int)
	member("jitter_seconds", s.JitterSeconds, o.int)
	member("working_directory", s.WorkingDirectory, o.text)
	member("run_as", s.RunAs, o.text)
	member("output_limit_bytes", s.OutputLimitBytes, o.number)
	member("keep_runs", s.KeepRuns, o.int)
	member("success_exit_codes", s.SuccessExitCodes, o.codes)
	member("nice", s.Nice, o.int)
	member("memory_limit_bytes", s.MemoryLimitBytes, o.number)
	member("cpu_limit_percent", s.CPULimitPercent, o.int)
	member("kill_remaining", s.KillRemaining, o.flag)
	member("environment", s.Environment, o.environment)
	member("paused", s.Paused, o.flag)
	o.buf = append(o.buf, '}')
}

// member writes a member that is there.
func member[T any](name string, value *T, write func(string, T) *object) {
	if value != nil {
		write(name, *value)
	}
}

func (o *object) int(name string, value int) *object { return o.number(name, int64(value)) }

func (o *object) flag(name string, value bool) *object {
	o.key(name)
	o.buf = strconv.AppendBool(o.buf, value)
	return o
}

func (o *object) codes(name string, values []int) *object {
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, n := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = strconv.AppendInt(o.buf, int64(n), 10)
	}
	o.buf = append(o.buf, ']')
	return o
}

// environment writes the values as they are: who builds the row has masked what must not leave.
func (o *object) environment(name string, values map[string]messages.Secret) *object {
	o.key(name)
	o.buf = append(o.buf, '{')
	for _, variable := range slices.Sorted(maps.Keys(values)) {
		o.value(variable)
		o.buf = append(o.buf, ':')
		o.value(values[variable].Reveal())
		o.buf = append(o.buf, ',')
	}
	o.buf = append(bytes.TrimSuffix(o.buf, []byte{','}), '}')
	return o
}

func (o *object) value(value any) *object {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		o.err = err
	}
	o.buf = append(o.buf, bytes.TrimSuffix(text.Bytes(), []byte{'\n'})...)
	return o
}

// tableLine is a line of an export before its table is known.
type tableLine struct {
	Table string          `json:"table"`
	Row   json.RawMessage `json:"row"`
}

// ParseLine reads one line of an export. A column that is absent or null is empty or 0; one that
// the table does not have is refused. The error is a *LineError.
func ParseLine(line []byte) (TableRow, error) {
	var t tableLine
	if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
		return nil, &LineError{Why: "the line is not JSON in UTF-8"}
	}
	if err := strictly(line, &t); err != nil {
		return nil, &LineError{Why: `the line is not of the form {"table":…,"row":{…}}: ` + err.Error()}
	}
	parse, known := lineParsers()[t.Table]
	if !known {
		return nil, &LineError{Why: fmt.Sprintf("%q is no table of an export", clipped(t.Table))}
	}
	if len(t.Row) == 0 || t.Row[0] != '{' {
		return nil, &LineError{Table: t.Table, Why: `the line has no "row" that is an object`}
	}
	return parse(t.Row)
}

// lineParsers returns what reads the row of each table.
func lineParsers() map[string]func([]byte) (TableRow, error) {
	return map[string]func([]byte) (TableRow, error){
		messages.TableVersion:     parseRow[messages.VersionRow],
		messages.TableConfig:      parseRow[ConfigRow],
		messages.TableJobs:        parseRow[JobTableRow],
		messages.TableUsers:       parseRow[UserTableRow],
		messages.TableApps:        parseRow[messages.AppRow],
		messages.TableJobOptions:  parseRow[JobOptionsRow],
		messages.TableUserOptions: parseRow[UserOptionsRow],
		messages.TableRuns:        parseRow[RunTableRow],
		messages.TableRunOutput:   parseRow[RunOutputRow],
	}
}

func parseRow[T TableRow](raw []byte) (TableRow, error) {
	var row T
	if decodeStrictly(raw, &row) != nil {
		return nil, rowFault[T](raw)
	}
	return row, nil
}

// strictly reads one JSON value that has no member which to does not have, and nothing behind it.
// The error says what is wrong without what was sent.
func strictly(text []byte, to any) error {
	if err := decodeStrictly(text, to); err != nil {
		return sentenceOf(err)
	}
	return nil
}

func decodeStrictly(text []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// sentenceOf returns what is wrong without what was sent.
func sentenceOf(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s has a value of the wrong kind (%s)", clipped(wrong.Field),
			wrong.Value)
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is not JSON")
	}
	return errors.New(clipped(err.Error()))
}

// clipped bounds what is told of a text from outside.
func clipped(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
