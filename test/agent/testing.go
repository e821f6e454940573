package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

// Main builds gustyd once for a whole test package and runs its tests: func TestMain(m *testing.M)
// { os.Exit(agent.Main(m)) }.
func Main(m *testing.M) int { return WithBinary(m.Run) }

// WithBinary builds gustyd, names it in BinaryVariable while it calls run, and gives run's exit
// code. Every user may execute it.
func WithBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "gustyd-under-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary, err := Build(context.Background(), dir)
	if err = errors.Join(err, os.Chmod(dir, 0o755)); err == nil {
		err = os.Setenv(BinaryVariable, binary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// StartT starts the agent that Main built, on dir, and kills it when the test ends. It fails the
// test where the agent does not start; what the agent wrote is shown where the test failed.
func StartT(t testing.TB, dir string, args ...string) *Process {
	t.Helper()
	p, err := Start(t.Context(), Options{Binary: os.Getenv(BinaryVariable), Dir: dir, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the agent wrote:\n%s", tail(p.Log(), 8<<10))
		}
	})
	return p
}

// ClientT returns a client with the first credentials.
func (p *Process) ClientT(t testing.TB) *Client {
	t.Helper()
	client, err := p.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func tail(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return "…" + text[len(text)-bytes:]
}
