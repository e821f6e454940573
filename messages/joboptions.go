package messages

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// OverlapPolicy says what a firing does while an earlier run of the job is active.
type OverlapPolicy string

// The overlap policies.
const (
	OverlapSkip    OverlapPolicy = "skip"
	OverlapQueue   OverlapPolicy = "queue"
	OverlapAllow   OverlapPolicy = "allow"
	OverlapReplace OverlapPolicy = "replace"
)

// MisfirePolicy says what runs of the firings that were missed.
type MisfirePolicy string

// The misfire policies.
const (
	MisfireSkip    MisfirePolicy = "skip"
	MisfireRunOnce MisfirePolicy = "run_once"
	MisfireRunAll  MisfirePolicy = "run_all"
)

// JobOptions are the fields that Gusty adds to a job; DefaultJobOptions keeps the Rust agent's
// behaviour.
type JobOptions struct {
	Enabled             bool
	Description         string
	TimeZone            string // an IANA name; empty for the host's
	OverlapPolicy       OverlapPolicy
	MisfirePolicy       MisfirePolicy
	MisfireGraceSeconds int
	TimeoutSeconds      int // 0: none
	KillGraceSeconds    int
	MaxRetries          int
	RetryDelaySeconds   int
	JitterSeconds       int
	Environment         map[string]Secret
	WorkingDirectory    string
	RunAs               string
	OutputLimitBytes    int64 // a stream
	KeepRuns            int
	SuccessExitCodes    []int
	Nice                int
	MemoryLimitBytes    int64 // 0: none
	CPULimitPercent     int   // of one core; 0: none
	KillRemaining       bool
}

// DefaultJobOptions returns the options of a job that names none.
func DefaultJobOptions() JobOptions {
	return JobOptions{
		Enabled: true, OverlapPolicy: OverlapSkip, MisfirePolicy: MisfireSkip,
		MisfireGraceSeconds: 60,
		KillGraceSeconds:    10, RetryDelaySeconds: 10, OutputLimitBytes: DefaultOutputLimit,
		KeepRuns: 100, SuccessExitCodes: []int{0},
	}
}

// JobOptionsPatch is a set of options of which those absent (nil) keep their value. Its JSON is
// that of the REST contract.
type JobOptionsPatch struct {
	Enabled             *bool              `json:"enabled,omitempty"`
	Description         *string            `json:"description,omitempty"`
	TimeZone            *string            `json:"time_zone,omitempty"`
	OverlapPolicy       *OverlapPolicy     `json:"overlap_policy,omitempty"`
	MisfirePolicy       *MisfirePolicy     `json:"misfire_policy,omitempty"`
	MisfireGraceSeconds *int               `json:"misfire_grace_seconds,omitempty"`
	TimeoutSeconds      *int               `json:"timeout_seconds,omitempty"`
	KillGraceSeconds    *int               `json:"kill_grace_seconds,omitempty"`
	MaxRetries          *int               `json:"max_retries,omitempty"`
	RetryDelaySeconds   *int               `json:"retry_delay_seconds,omitempty"`
	JitterSeconds       *int               `json:"jitter_seconds,omitempty"`
	Environment         *map[string]Secret `json:"environment,omitempty"` // a value that is Mask keeps the stored one
	WorkingDirectory    *string            `json:"working_directory,omitempty"`
	RunAs               *string            `json:"run_as,omitempty"`
	OutputLimitBytes    *int64             `json:"output_limit_bytes,omitempty"`
	KeepRuns            *int               `json:"keep_runs,omitempty"`
	SuccessExitCodes    *[]int             `json:"success_exit_codes,omitempty"`
	Nice                *int               `json:"nice,omitempty"`
	MemoryLimitBytes    *int64             `json:"memory_limit_bytes,omitempty"`
	CPULimitPercent     *int               `json:"cpu_limit_percent,omitempty"`
	KillRemaining       *bool              `json:"kill_remaining,omitempty"`
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// Apply returns o with what the patch names replaced; o itself is not changed.
func (p *JobOptionsPatch) Apply(o JobOptions) JobOptions {
	set(&o.Enabled, p.Enabled)
	set(&o.Description, p.Description)
	set(&o.TimeZone, p.TimeZone)
	set(&o.OverlapPolicy, p.OverlapPolicy)
	set(&o.MisfirePolicy, p.MisfirePolicy)
	set(&o.MisfireGraceSeconds, p.MisfireGraceSeconds)
	set(&o.TimeoutSeconds, p.TimeoutSeconds)
	set(&o.KillGraceSeconds, p.KillGraceSeconds)
	set(&o.MaxRetries, p.MaxRetries)
	set(&o.RetryDelaySeconds, p.RetryDelaySeconds)
	set(&o.JitterSeconds, p.JitterSeconds)
	set(&o.WorkingDirectory, p.WorkingDirectory)
	set(&o.RunAs, p.RunAs)
	set(&o.OutputLimitBytes, p.OutputLimitBytes)
	set(&o.KeepRuns, p.KeepRuns)
	set(&o.Nice, p.Nice)
	set(&o.MemoryLimitBytes, p.MemoryLimitBytes)
	set(&o.CPULimitPercent, p.CPULimitPercent)
	set(&o.KillRemaining, p.KillRemaining)
	if p.SuccessExitCodes != nil {
		o.SuccessExitCodes = slices.Clone(*p.SuccessExitCodes)
	}
	if p.Environment != nil {
		o.Environment = mergeEnvironment(o.Environment, *p.Environment)
	}
	return o
}

// mergeEnvironment returns next, with each value that is Mask taken from stored. A masked name that
// was never stored is left out: Validate has no way to know, and a variable whose value is the mask
// itself would be worse.
func mergeEnvironment(stored, next map[string]Secret) map[string]Secret {
	merged := maps.Clone(next)
	for name, value := range next {
		if value != Mask {
			continue
		}
		if old, ok := stored[name]; ok {
			merged[name] = old
		} else {
			delete(merged, name)
		}
	}
	return merged
}

// Validate checks each option by itself, so that any mix of valid options is valid.
func (o *JobOptions) Validate() error {
	if err := validateText("description", o.Description); err != nil {
		return err
	}
	if err := validateText("working_directory", o.WorkingDirectory); err != nil {
		return err
	}
	if err := validateText("run_as", o.RunAs); err != nil {
		return err
	}
	switch o.OverlapPolicy {
	case OverlapSkip, OverlapQueue, OverlapAllow, OverlapReplace:
	default:
		return Invalidf("overlap_policy", "%q is none of skip, queue, allow, replace",
			string(o.OverlapPolicy))
	}
	switch o.MisfirePolicy {
	case MisfireSkip, MisfireRunOnce, MisfireRunAll:
	default:
		return Invalidf("misfire_policy", "%q is none of skip, run_once, run_all",
			string(o.MisfirePolicy))
	}
	for _, r := range []struct {
		field      string
		value      int64
		least, top int64
	}{
		{"misfire_grace_seconds", int64(o.MisfireGraceSeconds), 0, MaxMisfireGrace},
		{"timeout_seconds", int64(o.TimeoutSeconds), 0, MaxTimeoutSeconds},
		{"kill_grace_seconds", int64(o.KillGraceSeconds), 0, MaxKillGrace},
		{"max_retries", int64(o.MaxRetries), 0, MaxRetries},
		{"retry_delay_seconds", int64(o.RetryDelaySeconds), 0, MaxRetryDelay},
		{"jitter_seconds", int64(o.JitterSeconds), 0, MaxJitterSeconds},
		{"output_limit_bytes", o.OutputLimitBytes, 0, MaxOutputLimit},
		{"keep_runs", int64(o.KeepRuns), 1, MaxKeepRuns},
		{"nice", int64(o.Nice), -20, 19},
		{"memory_limit_bytes", o.MemoryLimitBytes, 0, 1 << 50},
		{"cpu_limit_percent", int64(o.CPULimitPercent), 0, 100 * 4096},
	} {
		if r.value < r.least || r.value > r.top {
			return Invalidf(r.field, "%d is out of range %d to %d", r.value, r.least, r.top)
		}
	}
	if err := validateExitCodes(o.SuccessExitCodes); err != nil {
		return err
	}
	return validateEnvironment(o.Environment)
}

func validateExitCodes(codes []int) error {
	if len(codes) == 0 || len(codes) > MaxExitCodes {
		return Invalidf("success_exit_codes", "needs 1 to %d codes, has %d", MaxExitCodes,
			len(codes))
	}
	for _, code := range codes {
		if code < 0 || code > 255 {
			return Invalidf("success_exit_codes", "%d is out of range 0 to 255", code)
		}
	}
	return nil
}

func validateEnvironment(env map[string]Secret) error {
	if len(env) > MaxEnvironment {
		return Invalidf("environment", "has %d names, at most %d are allowed", len(env),
			MaxEnvironment)
	}
	for name, value := range env {
		switch {
		case name == "", strings.ContainsAny(name, "=\x00"), !utf8.ValidString(name),
			len(name) > MaxFieldBytes:
			return Invalidf("environment", "%q is not a name of an environment variable", name)
		case strings.HasPrefix(name, "GUSTY_"):
			return Invalidf("environment", "%q: names that begin with GUSTY_ are the agent's own",
				name)
		case strings.ContainsRune(value.Reveal(), 0), len(value) > 32*MaxFieldBytes:
			return Invalidf("environment",
				"the value of %q has a NUL character or is longer than %d bytes", name,
				32*MaxFieldBytes)
		}
	}
	return nil
}

// Patch returns a patch that names every option, as it stands in o when the patch is looked at.
func (o *JobOptions) Patch() JobOptionsPatch {
	return JobOptionsPatch{
		Enabled: &o.Enabled, Description: &o.Description, TimeZone: &o.TimeZone,
		OverlapPolicy: &o.OverlapPolicy,
		MisfirePolicy: &o.MisfirePolicy, MisfireGraceSeconds: &o.MisfireGraceSeconds,
		TimeoutSeconds:   &o.TimeoutSeconds,
		KillGraceSeconds: &o.KillGraceSeconds, MaxRetries: &o.MaxRetries,
		RetryDelaySeconds: &o.RetryDelaySeconds,
		JitterSeconds:     &o.JitterSeconds, Environment: &o.Environment,
		WorkingDirectory: &o.WorkingDirectory, RunAs: &o.RunAs,
		OutputLimitBytes: &o.OutputLimitBytes, KeepRuns: &o.KeepRuns,
		SuccessExitCodes: &o.SuccessExitCodes, Nice: &o.Nice,
		MemoryLimitBytes: &o.MemoryLimitBytes, CPULimitPercent: &o.CPULimitPercent,
		KillRemaining: &o.KillRemaining,
	}
}
