//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
)

// TestInterrupted ends the agent while a script runs, in order and by a crash: the script does not
// outlive the next start, and its run is recorded as ended and never run again.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		name   string
		how    func(*agent.Process) error
		states string
	}{
		{"in order", stopInOrder, "interrupted cancelled"},
		{"by a crash", (*agent.Process).Kill, "interrupted"},
	} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			process := agent.StartT(t, dir)
			client := process.ClientT(t)
			s := &suite{process: process, client: client, document: loadDocument(t, client)}
			file := filepath.Join(t.TempDir(), "pid")
			id := s.startRun(t, "sleeper", fmt.Sprintf("echo $$ >>%s; exec sleep 313", file))
			pid := awaitPID(t, file)
			if err := end.how(process); err != nil {
				t.Fatal(err)
			}
			s.process = agent.StartT(t, dir)
			s.client.URL = s.process.URL
			eventually(t, "the script has ended", func() bool { return !lives(pid) })
			var r run
			eventually(t, "the run is recorded as ended", func() bool {
				r = get[run](t, s, "/agent/runs/"+id)
				return r.EndedAt != nil
			})
			if !strings.Contains(end.states, r.State) || r.Reason == nil || *r.Reason == "" {
				t.Errorf("the run is %+v, want %s with a reason", r, end.states)
			}
			if data, err := os.ReadFile(file); err != nil ||
				strings.TrimSpace(string(data)) != pid {
				t.Errorf("the script ran again: %q (%v)", data, err)
			}
		})
	}
}

// TestInterruptedFigures kills an agent whose run has printed: the run's record says when it was
// last known to be under way, what is kept of its output, and nothing of what nobody knows; the
// output goes to OpenSearch.
func TestInterruptedFigures(t *testing.T) {
	t.Parallel()
	cluster := &refusingCluster{}
	cluster.takes.Store(true)
	server := httptest.NewServer(cluster)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	process := agent.StartT(t, dir)
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	s.ask(t, probe{
		method: http.MethodPut, path: "/agent/config", status: 200,
		body: fmt.Sprintf(`[{"propertyName":"opensearch_domain_endpoint","propertyValue":%q}]`, server.URL),
	})
	s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/job",
		body:   agent.JobBody("ticks", "* * * * * *", "true"),
		status: 200,
	})
	body := agent.JobBodyWith("talks", agent.Never, "echo kept; exec sleep 313",
		map[string]any{"opensearch_enabled": true})
	s.ask(t, probe{method: http.MethodPost, path: "/agent/job", body: body, status: 200})
	id := decode[run](t, s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/job/run?script_name=talks",
		status: 202,
	}).Body).ID
	eventually(t, "the output is in a file", func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "output", id+".*"))
		return err == nil && len(files) > 0
	})
	if r := get[run](t, s, "/agent/runs/"+id); r.Stdout != 5 || r.State != "running" {
		t.Errorf("under way it is %+v, want 5 bytes", r)
	}
	if page := get[page](t, s, "/agent/runs?script_name=talks"); len(page.Items) != 1 ||
		page.Items[0].Stdout != 5 {
		t.Errorf("in the list it is %+v, want 5 bytes", page.Items)
	}
	var tick run
	eventually(t, "five ticks are recorded", func() bool {
		ticks := get[page](t, s, "/agent/runs?script_name=ticks&state=succeeded").Items
		if len(ticks) < 5 {
			return false
		}
		tick = ticks[0]
		return true
	})
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	time.Sleep(2 * time.Second) // the time for which there was no agent
	s.process = agent.StartT(t, dir)
	s.client.URL = s.process.URL
	r := s.awaitRun(t, id, "interrupted")
	if r.EndedAt == nil || r.EndedAt.Before(*tick.EndedAt) || r.EndedAt.After(killed) ||
		r.Reason == nil {
		t.Fatalf("the agent was killed at %s, ran another job until %s, and the run is %+v", killed,
			tick.EndedAt, r)
	}
	if took := r.EndedAt.Sub(*r.StartedAt); *r.DurationMS < took.Milliseconds()-1 ||
		*r.DurationMS > took.Milliseconds()+1 {
		// both are rounded
		t.Errorf("it took %s, and duration_ms is %d", took, *r.DurationMS)
	}
	if r.Stdout != 5 || r.Stderr != 0 {
		t.Errorf("it has %d and %d bytes, want 5 and 0", r.Stdout, r.Stderr)
	}
	for name, value := range get[map[string]any](t, s, "/agent/runs/"+id) {
		if unknown := strings.HasPrefix(name, "cpu_") || name == "max_rss_bytes"; unknown &&
			value != nil {
			t.Errorf("%s is %v, and nobody knows it", name, value)
		}
	}
	eventually(t, "its output is sent", func() bool { return len(cluster.about(id)) > 0 })
	if sent := cluster.about(id); len(sent) != 1 || !strings.Contains(sent[0], `"message":"kept"`) {
		t.Errorf("sent was %q", sent)
	}
}

func stopInOrder(process *agent.Process) error {
	begun := time.Now()
	code, err := process.Stop()
	if err == nil && (code != 0 || time.Since(begun) > 45*time.Second) {
		err = fmt.Errorf("the agent ended with exit code %d after %s", code, time.Since(begun))
	}
	return err
}

// awaitPID waits for the script to write its process id, and makes sure that the script does not
// outlive a failed test.
func awaitPID(t *testing.T, file string) string {
	t.Helper()
	var pid string
	eventually(t, "the script runs", func() bool {
		data, err := os.ReadFile(file)
		pid = strings.TrimSpace(string(data))
		return err == nil && pid != ""
	})
	t.Cleanup(func() {
		if n, err := strconv.Atoi(pid); err == nil && lives(pid) && sleeps(pid) {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	})
	return pid
}

// sleeps reports whether the process is still the one that this test started, and not a later one
// of the same number.
func sleeps(pid string) bool {
	line, err := os.ReadFile("/proc/" + pid + "/cmdline")
	return err == nil && string(line) == "sleep\x00313\x00"
}
