//go:build linux

package trees

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gusty/test/agent"
)

// cgroupsOf returns the directories that the agent has for the cgroups of its runs; none where the
// host has none.
func cgroupsOf(t *testing.T, p *agent.Process, c *agent.Client) func() []string {
	t.Helper()
	body, err := c.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/info", "")
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Capabilities []struct {
			Name, Detail string
			Available    bool
		}
	}
	if err := json.Unmarshal(body, &info); err != nil {
		t.Fatal(err)
	}
	for _, one := range info.Capabilities {
		if one.Name == "cgroup" && one.Available {
			pattern := fmt.Sprintf("%s/gusty-%d.*", filepath.Dir(one.Detail), p.PID)
			return func() []string { found, _ := filepath.Glob(pattern); return found }
		}
	}
	return func() []string { return nil }
}

// removeDirs removes the directories and what is in them, as far as nothing lives there.
func removeDirs(paths []string) (removed int) {
	for _, path := range paths {
		below, _ := filepath.Glob(path + "/*")
		for _, one := range append(below, path) {
			if unix.Rmdir(one) == nil {
				removed++
			}
		}
	}
	return removed
}

// lines is a script that prints more than fits into a record, and how many bytes that are.
const (
	lines      = `for i in {1..3000}; do echo "line $i of a long output, which goes into a file"; done`
	linesBytes = 3000*len("line  of a long output, which goes into a file\n") + 9*1 + 90*2 + 900*3 +
		2001*4
)

// TestWhatWasMadeAtTheStartIsRemovedUnderLoad removes the cgroup directory, the directory of output
// and both together, while runs start, print and end, and somebody reads along.
func TestWhatWasMadeAtTheStartIsRemovedUnderLoad(t *testing.T) {
	dir := t.TempDir()
	p := agent.StartT(t, dir)
	c := p.ClientT(t)
	cgroups := cgroupsOf(t, p, c)
	output := filepath.Join(dir, "output")
	job := agent.JobBodyWith("printer", agent.Never, lines,
		map[string]any{"overlap_policy": "allow"})
	if _, err := c.Want(t.Context(), http.StatusOK, http.MethodPost, "/agent/job",
		job); err != nil {
		t.Fatal(err)
	}
	for name, remove := range map[string]func(){
		"cgroups": func() { removeDirs(cgroups()) },
		"output":  func() { _ = os.RemoveAll(output) }, // it may be filled meanwhile
		"both":    func() { removeDirs(cgroups()); _ = os.RemoveAll(output) },
	} {
		stop := make(chan struct{})
		var remover sync.WaitGroup
		remover.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					remove()
				}
			}
		})
		var printers sync.WaitGroup
		for range 2 {
			printers.Go(func() {
				for range 4 {
					if err := printAndFollow(t.Context(), c); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
		printers.Wait()
		close(stop)
		remover.Wait()
	}
	if _, err := c.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/health/ready",
		""); err != nil {
		t.Error(err)
	}
}

// printAndFollow runs the job, and expects all of its output, or a record that says what was lost.
func printAndFollow(ctx context.Context, c *agent.Client) error {
	r, err := c.StartJob(ctx, "printer")
	if err != nil {
		return err
	}
	followed, err := c.Want(ctx, http.StatusOK, http.MethodGet, "/agent/runs/"+r.ID+
		"/output?follow=true", "")
	if r, endErr := c.AwaitEnd(ctx, r.ID); endErr != nil || !expectedOf(r, followed, err) {
		return fmt.Errorf("%d bytes were followed of %+v: %w", len(followed), r,
			errors.Join(err, endErr))
	}
	return nil
}

// expectedOf reports whether a run has what it printed. Who came when it had ended may find its
// files removed, and is told so.
func expectedOf(r agent.Run, followed []byte, err error) bool {
	if r.State != "succeeded" || r.StdoutBytes != int64(linesBytes) {
		return false
	}
	return err != nil || r.StdoutTruncated && r.Reason != "" || len(followed) == linesBytes
}

// TestOutputIsWholeAfterItsRemoval removes everything while one run goes on, and reads it
// afterwards.
func TestOutputIsWholeAfterItsRemoval(t *testing.T) {
	dir := t.TempDir()
	p := agent.StartT(t, dir)
	c := p.ClientT(t)
	cgroups := cgroupsOf(t, p, c)
	gate := filepath.Join(t.TempDir(), "gate")
	if err := unix.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	job := agent.JobBody("printer", agent.Never, lines+"; read <"+gate+"; "+lines)
	if _, err := c.Want(t.Context(), http.StatusOK, http.MethodPost, "/agent/job",
		job); err != nil {
		t.Fatal(err)
	}
	r, err := c.StartJob(t.Context(), "printer")
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.OpenFile(gate, os.O_WRONLY, 0) // waits for the script to come there
	if err != nil {
		t.Fatal(err)
	}
	removeDirs(cgroups())
	if err := os.RemoveAll(filepath.Join(dir, "output")); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(open, "go on"); err != nil {
		t.Fatal(err)
	}
	_ = open.Close() // the script has what it waits for
	if r, err = c.AwaitEnd(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	text, err := c.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/runs/"+r.ID+"/output",
		"")
	if err != nil || len(text) != 2*linesBytes || r.State != "succeeded" || r.StdoutTruncated {
		t.Errorf("%d bytes of %d, %+v, %v", len(text), 2*linesBytes, r, err)
	}
}

// TestReadinessKnowsThatRunsCannotStart takes the agent's descriptors.
func TestReadinessKnowsThatRunsCannotStart(t *testing.T) {
	p := agent.StartT(t, t.TempDir())
	c := p.ClientT(t)
	ready := func(status int) (string, error) {
		answer, err := c.Do(t.Context(), http.MethodGet, "/agent/health/ready", "", nil)
		if err != nil {
			return "", err
		}
		if answer.Status != status {
			return string(answer.Body), fmt.Errorf("%d: %s", answer.Status, answer.Body)
		}
		return string(answer.Body), nil
	}
	absent := agent.JobBody("absent", agent.Never, "exit 0")
	absent = strings.TrimSuffix(absent, "}") + `,"working_directory":"/no/such/directory"}`
	for _, body := range []string{absent, agent.JobBody("well", agent.Never, "exit 0")} {
		if _, err := c.Want(t.Context(), http.StatusOK, http.MethodPost, "/agent/job",
			body); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if r := runToEnd(t, c, "absent"); r.State != "failed" {
			t.Errorf("%+v", r)
		}
	}
	if _, err := ready(http.StatusOK); err != nil {
		t.Errorf("a job's own fault: %v", err)
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(p.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{
		Cur: 3,
		Max: 4096,
	}, &limit); err != nil {
		t.Fatal(err)
	}
	if r := runToEnd(t, c, "well"); r.State != "failed" {
		t.Errorf("%+v", r)
	}
	eventually(t, func() error { _, err := ready(http.StatusServiceUnavailable); return err })
	if body, _ := ready(http.StatusServiceUnavailable); !strings.Contains(body, `"run_starts":"failing"`) {
		t.Error(body)
	}
	if err := unix.Prlimit(p.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{
		Cur: 4096,
		Max: 4096,
	}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := ready(http.StatusOK); return err })
	if r := runToEnd(t, c, "well"); r.State != "succeeded" {
		t.Errorf("%+v", r)
	}
}

func runToEnd(t *testing.T, c *agent.Client, job string) agent.Run {
	t.Helper()
	r, err := c.StartJob(t.Context(), job)
	if err == nil {
		r, err = c.AwaitEnd(t.Context(), r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eventually waits until it is so: the agent finds out by itself.
func eventually(t *testing.T, is func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := is()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
