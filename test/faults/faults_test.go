package faults

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gusty/test/agent"
)

// answerBound is how soon whoever asked an actor that fails has an answer, from when it has failed.
// The machine may be busy, so the best of some tries counts.
const (
	answerBound = 100 * time.Millisecond
	tries       = 5
)

// probe is a request that its actor must answer.
type probe struct {
	actor, method, path, body string
	status                    int // when all is well
}

func probes(password string) []probe {
	command := base64.StdEncoding.EncodeToString([]byte("echo alive"))
	return []probe{
		{"config", "GET", "/agent/config", "", 200},
		{"metric", "POST", "/agent/heartbeat", `{"id":"probe"}`, 200},
		{"scheduler", "GET", "/agent/jobs", "", 200},
		{"access", "PUT", "/agent/userpassword/update", fmt.Sprintf(`{"name":"Admin","pass":%q}`, password), 200},
		{"executors", "POST", "/agent/command/execute", `{"command":"` + command + `"}`, 200},
		{"executor", "POST", "/agent/command/execute", `{"command":"` + command + `"}`, 200},
	}
}

func build(t *testing.T) string {
	t.Helper()
	root, err := agent.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gustyd")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "faults", "-o", path,
		"./cmd/gustyd")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

type fixture struct {
	*agent.Process
	client *agent.Client
	faults string
}

func start(t *testing.T, binary string) *fixture {
	t.Helper()
	f := &fixture{faults: t.TempDir()}
	var err error
	f.Process, err = agent.Start(t.Context(), agent.Options{
		Binary: binary,
		Dir:    t.TempDir(),
		Env:    []string{"GUSTY_FAULTS=" + f.faults},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Kill(); err != nil {
			t.Error(err)
		}
	})
	f.client = f.ClientT(t)
	return f
}

func (f *fixture) inject(t *testing.T, actor, how string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.faults, actor), []byte(how), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) do(t *testing.T, p probe) *agent.Answer {
	t.Helper()
	answer, err := f.client.Do(t.Context(), p.method, p.path, p.body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestEachActorFailsAndComesBack(t *testing.T) {
	f := start(t, build(t))
	if _, err := f.client.Want(t.Context(), http.StatusOK, "POST", "/agent/job",
		agent.JobBody("kept", "0 0 0 1 1 *", "true")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.Want(t.Context(), http.StatusOK, "PUT", "/agent/config",
		`[{"propertyName":"cron_agent_config_monitoring","propertyValue":"kept"}]`); err != nil {
		t.Fatal(err)
	}
	for _, p := range probes(f.client.Credentials.Password) {
		t.Run(p.actor, func(t *testing.T) { f.failOnce(t, p) })
	}
	f.looksUnchanged(t)
}

// failOnce makes the actor panic on the probe, and looks at the answer, at the others meanwhile,
// and at the actor afterwards.
func (f *fixture) failOnce(t *testing.T, p probe) {
	best := time.Hour
	var last *agent.Answer
	for range tries {
		f.inject(t, p.actor, "once")
		answer := f.do(t, p)
		took := time.Since(f.met(t))
		last = answer
		if answer.Status != http.StatusServiceUnavailable {
			// The actor's own timer may have met the fault before the request did.
			if _, err := os.Stat(filepath.Join(f.faults, p.actor)); err == nil {
				t.Fatalf("the fault was not met: %d %s", answer.Status, answer.Body)
			}
			continue
		}
		if !strings.Contains(string(answer.Body), `"unavailable"`) {
			t.Errorf("the answer has another code: %s", answer.Body)
		}
		best = min(best, took)
		f.othersAnswer(t, p.actor)
		f.comesBack(t, p)
		if best <= answerBound {
			return
		}
	}
	t.Errorf("the best of %d answers took %s; the last was %d %s", tries, best, last.Status,
		last.Body)
}

// met returns when the last fault was met: an actor that is to fail once removes the file, which
// shows on the directory.
func (f *fixture) met(t *testing.T) time.Time {
	t.Helper()
	info, err := os.Stat(f.faults)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func (f *fixture) othersAnswer(t *testing.T, failed string) {
	t.Helper()
	for _, other := range probes(f.client.Credentials.Password) {
		related := strings.HasPrefix(other.actor, "executor") &&
			strings.HasPrefix(failed, "executor")
		if other.actor == failed || related {
			continue
		}
		if answer := f.do(t, other); answer.Status != other.status {
			t.Errorf("while %s was away %s answered %d %s", failed, other.actor, answer.Status,
				answer.Body)
		}
	}
}

func (f *fixture) comesBack(t *testing.T, p probe) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		answer := f.do(t, p)
		if answer.Status == p.status {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not back: %d %s", p.actor, answer.Status, answer.Body)
		}
	}
}

func (f *fixture) looksUnchanged(t *testing.T) {
	t.Helper()
	for path, want := range map[string]string{"/agent/jobs": `["kept"]`, "/agent/config": `"cron_agent_config_monitoring":"kept"`} {
		body, err := f.client.Want(t.Context(), http.StatusOK, "GET", path, "")
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s lost its state: %s %v", path, body, err)
		}
	}
}

func TestAnActorThatKeepsFailingEndsTheProcess(t *testing.T) {
	binary := build(t)
	for _, p := range probes("")[:3] {
		t.Run(p.actor, func(t *testing.T) {
			f := start(t, binary)
			f.inject(t, p.actor, "always")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var asked atomic.Int64
			for ended := false; !ended; {
				_, err := f.client.Do(ctx, p.method, p.path, p.body, nil)
				asked.Add(1)
				select {
				case <-f.Done():
					ended = true
				case <-ctx.Done():
					t.Fatalf("the process lives on after %d requests, the last with %v",
						asked.Load(), err)
				default:
				}
			}
			code, err := f.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if code != 3 {
				t.Errorf("it ended with %d, want 3", code)
			}
			if log := f.Log(); !strings.Contains(log, "the "+p.actor+" actor keeps failing") ||
				!strings.Contains(log, "injected by a test") {
				t.Errorf("the log does not name the cause:\n%s", log)
			}
		})
	}
}
