package messages

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a job's fields, in bytes unless the name says otherwise.
const (
	MaxJobNameBytes    = 255
	MaxFieldBytes      = 4096 // arguments, description, directory, index
	MaxCronBytes       = 1024
	MaxScriptBytes     = 1 << 20
	MaxEnvironment     = 256 // entries
	MaxRetries         = 100
	MaxTimeoutSeconds  = 31 * 24 * 3600
	MaxOutputLimit     = 1 << 30
	MaxKeepRuns        = 1_000_000
	MaxExitCodes       = 256
	MaxMisfireGrace    = 366 * 24 * 3600
	MaxJitterSeconds   = 24 * 3600
	MaxKillGrace       = 3600
	MaxRetryDelay      = 3600
	DefaultOutputLimit = 1 << 20
)

// Job is one stored job, whole: the fields that the Rust agent knew and the options that Gusty
// adds.
type Job struct {
	Name              string
	Content           []byte // the script itself, decoded, without CR
	CronExpression    string
	Arguments         string // split as a POSIX shell would, without expansion
	Type              ScriptType
	OpenSearchIndex   string
	OpenSearchEnabled bool
	Options           JobOptions
}

// Validate checks everything that can be told from the job alone; the expression, the time zone and
// the arguments' quoting are checked by those who parse them. It gives an *Error of CodeInvalid
// that names the REST field.
func (j *Job) Validate() error {
	if err := ValidateJobName(j.Name); err != nil {
		return err
	}
	if j.Type != ScriptPython && j.Type != ScriptBash {
		return Invalidf("script_type", "%d is not a script type; 0 is Python, 1 is Bash",
			uint64(j.Type))
	}
	if len(j.Content) > MaxScriptBytes {
		return Invalidf("content", "the script is %d bytes, at most %d are allowed", len(j.Content),
			MaxScriptBytes)
	}
	if len(j.CronExpression) > MaxCronBytes {
		return Invalidf("cron_expression", "longer than %d bytes", MaxCronBytes)
	}
	if err := validateText("arguments", j.Arguments); err != nil {
		return err
	}
	if err := ValidateIndexName("opensearch_index", j.OpenSearchIndex); err != nil {
		return err
	}
	return j.Options.Validate()
}

// ValidateJobName checks the rule of script_name: 1 to 255 bytes of UTF-8 without control
// characters.
func ValidateJobName(name string) error {
	switch {
	case name == "":
		return Invalidf("script_name", "must not be empty")
	case len(name) > MaxJobNameBytes:
		return Invalidf("script_name", "is %d bytes, at most %d are allowed", len(name),
			MaxJobNameBytes)
	case !utf8.ValidString(name):
		return Invalidf("script_name", "is not valid UTF-8")
	case strings.IndexFunc(name, unicode.IsControl) >= 0:
		return Invalidf("script_name", "must not contain control characters")
	}
	return nil
}

func validateText(field, value string) error {
	switch {
	case len(value) > MaxFieldBytes:
		return Invalidf(field, "is %d bytes, at most %d are allowed", len(value), MaxFieldBytes)
	case !utf8.ValidString(value):
		return Invalidf(field, "is not valid UTF-8")
	case strings.ContainsRune(value, 0):
		return Invalidf(field, "must not contain a NUL character")
	}
	return nil
}

// ValidateIndexName checks an OpenSearch index name (lower case, no white space, none of \ / * ? "
// < > | , # :, not starting with - _ +, at most 255 bytes); empty is allowed and means the default
// index. A date pattern counts as what ResolveIndex makes of it. Source: OpenSearch "Create index
// API", index naming restrictions.
func ValidateIndexName(field, name string) error {
	if err := checkDatePattern(field, name); err != nil {
		return err
	}
	name = ResolveIndex(name, time.Unix(0, 0))
	switch {
	case name == "":
		return nil
	case len(name) > 255:
		return Invalidf(field, "is %d bytes, at most 255 are allowed", len(name))
	case strings.ToLower(name) != name:
		return Invalidf(field, "an index name has no upper-case letters")
	case strings.ContainsAny(name, " \\/*?\"<>|,#:\t\r\n\x00"):
		return Invalidf(field, `an index name has no spaces and none of \ / * ? " < > | , # :`)
	case strings.ContainsAny(name[:1], "-_+"), name == ".", name == "..":
		return Invalidf(field, "an index name does not begin with - _ or +, and is not . or ..")
	}
	return nil
}

// JobHead is what the scheduler keeps of a job in memory: no script text, no environment.
type JobHead struct {
	Name           string
	CronExpression string
	TimeZone       string
	Enabled        bool
	OverlapPolicy  OverlapPolicy
	MisfirePolicy  MisfirePolicy
	MisfireGrace   time.Duration
	Jitter         time.Duration
	State          JobState
}

// Head returns the job's head with an empty state.
func (j *Job) Head() JobHead {
	return JobHead{
		Name: j.Name, CronExpression: j.CronExpression, TimeZone: j.Options.TimeZone,
		Enabled:       j.Options.Enabled,
		OverlapPolicy: j.Options.OverlapPolicy, MisfirePolicy: j.Options.MisfirePolicy,
		MisfireGrace: time.Duration(j.Options.MisfireGraceSeconds) * time.Second,
		Jitter:       time.Duration(j.Options.JitterSeconds) * time.Second,
	}
}

// JobState is what the agent remembers of a job beside its definition. It is a row of its own, so
// that a firing does not rewrite the script.
type JobState struct {
	// every due time up to and including this one has its record; zero: none yet
	PlannedThrough time.Time
	Anchor         time.Time // what @every counts from; changes only with the expression
	BootID         string    // the boot in which @reboot last fired
	Paused         bool
	Quarantined    bool
	Reason         string // why it is quarantined, in one sentence
	FailureStreak  int
	LastRunID      string
}

// StatePart names a part of a JobState.
type StatePart uint8

// The parts.
const (
	WholeState  StatePart = iota
	PlannedPart           // PlannedThrough
	PausePart             // Paused, Quarantined and Reason
	BootPart              // BootID
)

// With returns the state with one part of it taken from another one.
func (s JobState) With(part StatePart, from *JobState) JobState {
	switch part {
	case PlannedPart:
		s.PlannedThrough = from.PlannedThrough
	case PausePart:
		s.Paused, s.Quarantined, s.Reason = from.Paused, from.Quarantined, from.Reason
	case BootPart:
		s.BootID = from.BootID
	default:
		s = *from
	}
	return s
}
