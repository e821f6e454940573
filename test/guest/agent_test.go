//go:build linux && amd64

package guest

import (
	"context"
	"os"
	"strings"
	"testing"

	"gusty/test/agent"
)

// fixture is an agent in the guest.
type fixture struct {
	*agent.Process
	client *agent.Client
}

func start(t *testing.T, binary string) *fixture {
	t.Helper()
	return startIn(t, dir(t), binary)
}

func startIn(t *testing.T, dir, binary string) *fixture {
	t.Helper()
	p, err := agent.Start(context.Background(), agent.Options{Binary: binary, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(warnings(p.Log()))
		}
	})
	return &fixture{Process: p, client: p.ClientT(t)}
}

// warnings leaves out what is said of every run.
func warnings(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"INFO"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func gustyd() string { return os.Getenv(agent.BinaryVariable) }

// store adds what scripts in a guest must know to the job's environment.
func (f *fixture) store(t *testing.T, name, expression, script string, options map[string]any) {
	t.Helper()
	fields := map[string]any{"environment": map[string]string{
		"GLIBC_TUNABLES": sseOnly,
		"DIR":            writable,
	}}
	for key, value := range options {
		fields[key] = value
	}
	if _, err := f.client.Want(t.Context(), 200, "POST", "/agent/job",
		agent.JobBodyWith(name, expression, script, fields)); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) runToEnd(t *testing.T, name string) agent.Run {
	t.Helper()
	run, err := f.client.StartJob(t.Context(), name)
	if err == nil {
		run, err = f.client.AwaitEnd(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return run
}
