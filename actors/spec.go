package actors

import (
	"fmt"
	"time"

	"gusty/internal/process"
	"gusty/messages"
)

// spec says how the job runs as a process.
func (x *execution) spec(job *messages.Job, output Output) (process.Spec, error) {
	env, err := x.environment(job)
	if err != nil {
		return process.Spec{}, err
	}
	spec := process.Spec{
		Env: env, Dir: job.Options.WorkingDirectory, RunAs: job.Options.RunAs,
		Nice:             job.Options.Nice,
		MemoryLimitBytes: job.Options.MemoryLimitBytes,
		CPULimitPercent:  job.Options.CPULimitPercent,
		KillRemaining:    job.Options.KillRemaining, Mark: x.id,
		Stdout: streamWriter{output, messages.Stdout},
		Stderr: streamWriter{output, messages.Stderr},
	}
	if x.run.Kind == messages.RunOfCommand {
		spec.Shell, spec.CommandLine = true, x.task.command
		return spec, nil
	}
	spec.Script = job.Content
	spec.Interpreter, spec.Alternatives = interpreter(job.Type)
	if spec.Args, err = splitArguments(job.Arguments); err != nil {
		return process.Spec{}, err
	}
	return spec, nil
}

func interpreter(t messages.ScriptType) (name string, alternatives []string) {
	if t == messages.ScriptPython {
		return "python3", []string{"python"}
	}
	return "bash", nil
}

// environment is clean: what a program needs, what the job sets, and what tells the script which
// run it is.
func (x *execution) environment(job *messages.Job) ([]string, error) {
	env, err := process.BaseEnv(job.Options.RunAs, job.Options.TimeZone)
	if err != nil {
		return nil, err
	}
	for name, value := range job.Options.Environment {
		env = append(env, name+"="+value.Reveal())
	}
	return append(env,
		"GUSTY_JOB="+x.run.ScriptName,
		"GUSTY_RUN_ID="+x.id,
		"GUSTY_DUE_AT="+x.run.DueAt.UTC().Format(timeFormat),
		fmt.Sprintf("GUSTY_ATTEMPT=%d", x.run.Attempt)), nil
}

// streamWriter hands what comes from one pipe to the run's output.
type streamWriter struct {
	output Output
	stream messages.Stream
}

// Write takes a piece of the stream, and the next one whatever became of it: the output counts what
// it cannot keep, and says at its end why.
func (w streamWriter) Write(p []byte) (int, error) {
	_ = w.output.Write(w.stream, p, time.Now())
	return len(p), nil
}
