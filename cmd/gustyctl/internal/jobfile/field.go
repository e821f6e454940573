package jobfile

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/kballard/go-shellquote"
	"gopkg.in/yaml.v3"

	"gusty/messages"
)

// jobField is one field of a job under the name that it has in requests and answers: how it is read
// from a job file, and what it is in JSON.
type jobField struct {
	Name  string
	Read  func(*messages.Job, *yaml.Node) error
	Value func(*messages.Job) any
}

// Fields lists every field of a stored job, in the order of the agent's answer. The script
// itself is content.
func Fields() []jobField {
	return append([]jobField{
		text("script_name", func(j *messages.Job) *string { return &j.Name }),
		contentField(),
		text("cron_expression", func(j *messages.Job) *string { return &j.CronExpression }),
		argumentsField(),
		scriptTypeField(),
		text("opensearch_index", func(j *messages.Job) *string { return &j.OpenSearchIndex }),
		truth("opensearch_enabled", func(j *messages.Job) *bool { return &j.OpenSearchEnabled }),
	}, optionFields()...)
}

func optionFields() []jobField {
	return []jobField{
		truth("enabled", func(j *messages.Job) *bool { return &j.Options.Enabled }),
		text("description", func(j *messages.Job) *string { return &j.Options.Description }),
		text("time_zone", func(j *messages.Job) *string { return &j.Options.TimeZone }),
		text("overlap_policy", func(j *messages.Job) *messages.OverlapPolicy {
			return &j.Options.OverlapPolicy
		}),
		text("misfire_policy", func(j *messages.Job) *messages.MisfirePolicy {
			return &j.Options.MisfirePolicy
		}),
		number("misfire_grace_seconds", parseSeconds, func(j *messages.Job) *int {
			return &j.Options.MisfireGraceSeconds
		}),
		number("timeout_seconds", parseSeconds, func(j *messages.Job) *int {
			return &j.Options.TimeoutSeconds
		}),
		number("kill_grace_seconds", parseSeconds, func(j *messages.Job) *int {
			return &j.Options.KillGraceSeconds
		}),
		number("max_retries", parseWhole, func(j *messages.Job) *int {
			return &j.Options.MaxRetries
		}),
		number("retry_delay_seconds", parseSeconds, func(j *messages.Job) *int {
			return &j.Options.RetryDelaySeconds
		}),
		number("jitter_seconds", parseSeconds, func(j *messages.Job) *int {
			return &j.Options.JitterSeconds
		}),
		environmentField(),
		text("working_directory", func(j *messages.Job) *string {
			return &j.Options.WorkingDirectory
		}),
		text("run_as", func(j *messages.Job) *string { return &j.Options.RunAs }),
		number("output_limit_bytes", parseSize, func(j *messages.Job) *int64 {
			return &j.Options.OutputLimitBytes
		}),
		number("keep_runs", parseWhole, func(j *messages.Job) *int { return &j.Options.KeepRuns }),
		exitCodesField(),
		number("nice", parseWhole, func(j *messages.Job) *int { return &j.Options.Nice }),
		number("memory_limit_bytes", parseSize, func(j *messages.Job) *int64 {
			return &j.Options.MemoryLimitBytes
		}),
		number("cpu_limit_percent", parseWhole, func(j *messages.Job) *int {
			return &j.Options.CPULimitPercent
		}),
		truth("kill_remaining", func(j *messages.Job) *bool { return &j.Options.KillRemaining }),
	}
}

func contentField() jobField {
	return jobField{
		Name: "content",
		Read: func(j *messages.Job, n *yaml.Node) error {
			value, err := scalar(n)
			j.Content = []byte(value)
			return err
		},
		Value: func(j *messages.Job) any { return base64.StdEncoding.EncodeToString(j.Content) },
	}
}

// argumentsField takes one line, split as a shell would, or a list, of which each item is one
// argument.
func argumentsField() jobField {
	return jobField{
		Name: "arguments",
		Read: func(j *messages.Job, n *yaml.Node) (err error) {
			if n.Kind != yaml.SequenceNode {
				j.Arguments, err = scalar(n)
				return err
			}
			words, err := scalars(n)
			j.Arguments = shellquote.Join(words...)
			return err
		},
		Value: func(j *messages.Job) any { return j.Arguments },
	}
}

func scriptTypeField() jobField {
	return jobField{
		Name: "script_type",
		Read: func(j *messages.Job, n *yaml.Node) error {
			written, err := scalar(n)
			if err != nil {
				return err
			}
			for _, t := range []messages.ScriptType{messages.ScriptPython, messages.ScriptBash} {
				if written == t.String() || written == strconv.FormatUint(uint64(t), 10) {
					j.Type = t
					return nil
				}
			}
			return fmt.Errorf("%q is neither bash (1) nor python (0)", written)
		},
		Value: func(j *messages.Job) any { return uint64(j.Type) },
	}
}

func environmentField() jobField {
	return jobField{
		Name: "environment",
		Read: func(j *messages.Job, n *yaml.Node) error {
			if n.Kind != yaml.MappingNode {
				return fmt.Errorf("takes names and values, as in {LANG: C}")
			}
			j.Options.Environment = map[string]messages.Secret{}
			return eachPair(n, func(name string, value *yaml.Node) error {
				written, err := scalar(value)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				j.Options.Environment[name] = messages.Secret(written)
				return nil
			})
		},
		Value: func(j *messages.Job) any {
			revealed := map[string]string{}
			for name, value := range j.Options.Environment {
				revealed[name] = value.Reveal()
			}
			return revealed
		},
	}
}

func exitCodesField() jobField {
	return jobField{
		Name: "success_exit_codes",
		Read: func(j *messages.Job, n *yaml.Node) error {
			written, err := scalars(n)
			if err != nil {
				return err
			}
			j.Options.SuccessExitCodes = nil
			for _, w := range written {
				code, err := strconv.Atoi(w)
				if err != nil {
					return fmt.Errorf("%q is not a whole number", w)
				}
				j.Options.SuccessExitCodes = append(j.Options.SuccessExitCodes, code)
			}
			return nil
		},
		Value: func(j *messages.Job) any { return j.Options.SuccessExitCodes },
	}
}

// suggestion names the field that was probably meant: cron means cron_expression, and timeZone
// means time_zone.
func suggestion(name string) string {
	bare := strings.NewReplacer("_", "", "-", "")
	meant := strings.ToLower(bare.Replace(name))
	for _, field := range Fields() {
		if meant != "" && strings.Contains(bare.Replace(field.Name), meant) {
			return "; did you mean " + field.Name + "?"
		}
	}
	return ""
}
