package jobfile

import (
	"os"
	"testing"
)

// FuzzJobFile feeds anything as a job file: it is either jobs that an agent could take, or problems
// with a file and a line.
func FuzzJobFile(f *testing.F) {
	for _, seed := range []string{
		"script_name: a\ncron_expression: '@daily'\ncontent: |\n  #!/bin/sh\n", "a: &x [*x]", "- 1",
		"script: ..", "environment: {A: !!null x}", "? [a]\n: b",
		"script_name: a\n---\nscript_name: a", "timeout_seconds: 9223372036854775807",
		"success_exit_codes: [1, x]", "<<: {script_name: b}", "@",
	} {
		f.Add([]byte(seed))
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		jobs, problems := parseJobFile(root, "a.yaml", data)
		for _, job := range jobs {
			if err := job.Job.Validate(); err != nil {
				t.Errorf("a job that is not valid came through: %v", err)
			}
			if job.Line < 1 {
				t.Errorf("the job %q has no line", job.Job.Name)
			}
		}
		for _, p := range problems {
			if p.Line < 1 || p.text == "" {
				t.Errorf("the problem %q has no line", p)
			}
		}
	})
}
