package jobfile

import (
	"bufio"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/term"
)

// OptionFlags are the flags for the fields that Gusty adds to a job. A field is sent only where its
// flag was given, so that the agent's defaults and stored values are the agent's own affair.
type OptionFlags struct {
	options []optionFlag
	env     []string
	envFile string
	unset   []string
}

// optionFlag is one flag, the field of the request that it sets, and its value.
type optionFlag struct {
	flag  string
	field string
	value func() any
}

func NewOptionFlags(flags *pflag.FlagSet) *OptionFlags {
	o := &OptionFlags{}
	o.whenFlags(flags)
	o.runFlags(flags)
	o.limitFlags(flags)
	flags.StringArrayVar(&o.env, "env", nil, "environment variable `NAME=VALUE`, or NAME alone "+
		"to take gustyctl's own value; may be repeated")
	flags.StringVar(&o.envFile, "env-file", "", "`file` with lines NAME=VALUE for the environment")
	flags.StringArrayVar(&o.unset, "unset-env", nil,
		"`NAME` of a stored environment variable to remove; may be repeated")
	return o
}

func (o *OptionFlags) whenFlags(flags *pflag.FlagSet) {
	add(o, "enabled", "enabled", flags.Bool("enabled", true, "--enabled=false stores the job "+
		"without firing it"))
	add(o, "time-zone", "time_zone", flags.String("time-zone", "", "IANA time `zone` of the "+
		"expression (default: the agent host's)"))
	add(o, "jitter", "jitter_seconds", term.Seconds(flags, "jitter", "start up to this much "+
		"later, at "+
		"random"))
	add(o, "overlap", "overlap_policy", flags.String("overlap", "", "when the last run is still "+
		"active: skip, queue, allow or replace"))
	add(o, "misfire", "misfire_policy", flags.String("misfire", "", "for firings that were "+
		"missed: skip, run_once or run_all"))
	add(o, "misfire-grace", "misfire_grace_seconds",
		term.Seconds(flags, "misfire-grace", "how late a firing may still run"))
}

func (o *OptionFlags) runFlags(flags *pflag.FlagSet) {
	add(o, "description", "description", flags.String("description", "", "`text` for people"))
	add(o, "timeout", "timeout_seconds", term.Seconds(flags, "timeout", "end a run after this "+
		"time, 0 "+
		"for never"))
	add(o, "kill-grace", "kill_grace_seconds",
		term.Seconds(flags, "kill-grace", "time between SIGTERM and SIGKILL"))
	add(o, "retries", "max_retries", flags.Int("retries", 0, "how often a failed run is tried "+
		"again"))
	add(o, "retry-delay", "retry_delay_seconds",
		term.Seconds(flags, "retry-delay", "wait before the first retry; doubles"))
	add(o, "success-exit-code", "success_exit_codes",
		flags.IntSlice("success-exit-code", nil, "exit `codes` that count as success"))
	add(o, "working-dir", "working_directory",
		flags.String("working-dir", "", "`directory` the script starts in"))
	add(o, "run-as", "run_as", flags.String("run-as", "", "`user` the script runs as (default: "+
		"the agent's)"))
	add(o, "kill-remaining", "kill_remaining",
		flags.Bool("kill-remaining", false, "end what the script left running in the background"))
}

func (o *OptionFlags) limitFlags(flags *pflag.FlagSet) {
	add(o, "output-limit", "output_limit_bytes",
		term.Size(flags, "output-limit", "how much of each stream is kept"))
	add(o, "keep-runs", "keep_runs", flags.Int("keep-runs", 0, "how many runs that ran are kept"))
	add(o, "nice", "nice", flags.Int("nice", 0, "scheduling priority, -20 to 19"))
	add(o, "memory-limit", "memory_limit_bytes",
		term.Size(flags, "memory-limit", "memory that a run may use, 0 for no limit"))
	add(o, "cpu-limit", "cpu_limit_percent",
		flags.Int("cpu-limit", 0, "`percent` of one core that a run may use, 0 for no limit"))
}

func add[T any](o *OptionFlags, flag, field string, value *T) {
	o.options = append(o.options, optionFlag{flag: flag, field: field, value: func() any {
		return *value
	}})
}

// Fields returns the fields whose flags were given. The stored environment (its values masked,
// which the agent reads as "keep") is the base of the new one.
func (o *OptionFlags) Fields(changed func(string) bool, stored map[string]string,
	getenv func(string) string,
) (map[string]any, error) {
	fields := map[string]any{}
	for _, option := range o.options {
		if changed(option.flag) {
			fields[option.field] = option.value()
		}
	}
	if !changed("env") && !changed("env-file") && !changed("unset-env") {
		return fields, nil
	}
	environment, err := o.environment(stored, getenv)
	if err != nil {
		return nil, err
	}
	fields["environment"] = environment
	return fields, nil
}

// environment applies removals, the file, and the single variables, in this order.
func (o *OptionFlags) environment(stored map[string]string,
	getenv func(string) string,
) (map[string]string, error) {
	environment := map[string]string{}
	for name, masked := range stored {
		environment[name] = masked
	}
	for _, name := range o.unset {
		if _, ok := environment[name]; !ok {
			return nil, exit.Usagef("the job has no environment variable %q to unset", name)
		}
		delete(environment, name)
	}
	pairs, err := envFilePairs(o.envFile)
	if err != nil {
		return nil, err
	}
	for _, pair := range append(pairs, o.env...) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			value = getenv(name)
		}
		if !ok && value == "" {
			return nil, exit.Usagef("the environment variable %s is not set here; write "+
				"NAME=VALUE, "+
				"or export it", name)
		}
		environment[name] = value
	}
	return environment, nil
}

// envFilePairs reads lines NAME=VALUE; blank lines and those that begin with # are left out.
func envFilePairs(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Usagef("cannot read the environment file: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
	var pairs []string
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !strings.Contains(line, "=") {
			// The line itself may be a secret: only its number is shown.
			return nil, exit.Usagef("line %d of %s is not of the form NAME=VALUE", n, path)
		}
		pairs = append(pairs, line)
	}
	if err := lines.Err(); err != nil {
		return nil, exit.Usagef("cannot read the environment file: %w", err)
	}
	return pairs, nil
}
