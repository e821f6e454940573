//go:build linux

package contract

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// followers is how many clients may follow at a time.
const followers = 50

// TestFollow follows runs of the real agent while they print.
func TestFollow(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.client.HTTP.Timeout = 0 // as long as the run
	t.Run("latency", func(t *testing.T) { testFollowLatency(t, s) })
	t.Run("crowd", func(t *testing.T) { testFollowCrowd(t, s) })
	t.Run("slow", func(t *testing.T) { testSlowFollower(t, s) })
	t.Run("queued", func(t *testing.T) { testFollowQueued(t, s) })
	t.Run("stop", func(t *testing.T) { testFollowToTheStop(t, s) })
}

// follow begins to follow a run, and leaves when ctx ends.
func (s *suite) follow(ctx context.Context, t *testing.T, id, query string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.client.URL+"/agent/runs/"+id+
		"/output?follow=true"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(s.client.Credentials.User, s.client.Credentials.Password)
	response, err := s.client.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// bounded returns a context that ends with the test, and after a minute at the latest.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(body), err)
	}
	return string(body)
}

// testFollowLatency has a script print the time, again and again. The median is held to the
// promise; a busy machine may delay a single line.
func testFollowLatency(t *testing.T, s *suite) {
	id := s.startRun(t, "clock", "for i in {1..20}; do date +%s%N; sleep 0.1; done")
	var late []time.Duration
	lines := bufio.NewScanner(s.follow(bounded(t), t, id, "").Body)
	for lines.Scan() {
		printed, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, time.Since(time.Unix(0, printed)))
	}
	if lines.Err() != nil || len(late) != 20 {
		t.Fatalf("%d lines, %v", len(late), lines.Err())
	}
	slices.Sort(late)
	t.Logf("a line came after %s at the median, %s at the most", late[10], late[19])
	if late[10] > 200*time.Millisecond || late[19] > 2*time.Second {
		t.Errorf("a line came after %s at the median, %s at the most", late[10], late[19])
	}
}

// testFollowCrowd fills every place, and frees one by leaving.
func testFollowCrowd(t *testing.T, s *suite) {
	until := filepath.Join(t.TempDir(), "until")
	id := s.startRun(t, "crowd", fmt.Sprintf("echo begun; until [ -e %s ]; do sleep 0.05; done; "+
		"echo done", until))
	var all []*http.Response
	ctx := bounded(t)
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	one := s.follow(leaving, t, id, "")
	for range followers - 1 {
		response := s.follow(ctx, t, id, "")
		if response.StatusCode != http.StatusOK {
			t.Fatal(response.Status)
		}
		all = append(all, response)
	}
	if over := s.follow(ctx, t, id, ""); over.StatusCode != http.StatusServiceUnavailable ||
		over.Header.Get("Retry-After") == "" {
		t.Errorf("one too many was answered %s, %v", over.Status, over.Header)
	}
	leave()
	_ = one.Body.Close()
	eventually(t, "the place of one who left is free", func() bool {
		next := s.follow(ctx, t, id, "")
		if next.StatusCode == http.StatusOK {
			all = append(all, next)
		}
		return next.StatusCode == http.StatusOK
	})
	if err := os.WriteFile(until, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, response := range all {
		if got := readAll(t, response); got != "begun\ndone\n" {
			t.Errorf("a follower got %q", got)
		}
	}
}

// testSlowFollower has a follower that does not read until the script has printed 20 MB.
func testSlowFollower(t *testing.T, s *suite) {
	const printed = 20_000_000
	id := s.startRun(t, "flood", fmt.Sprintf("head -c %d /dev/zero", printed))
	slow, quick := s.follow(bounded(t), t, id, "&format=ndjson"), s.follow(bounded(t), t, id,
		"&format=ndjson")
	given, skipped := countOutput(t, quick.Body)
	if given+skipped != printed {
		t.Errorf("the quick one: %d given, %d skipped", given, skipped)
	}
	if ended := s.awaitRun(t, id, "succeeded"); ended.Stdout != printed {
		t.Errorf("the run is %+v", ended)
	}
	given, skipped = countOutput(t, slow.Body)
	if given+skipped != printed || skipped < printed/2 {
		t.Errorf("the slow one: %d given, %d skipped", given, skipped)
	}
}

// countOutput reads NDJSON to its end, and returns the bytes that are there and those that are told
// as left out.
func countOutput(t *testing.T, body io.Reader) (given, skipped int64) {
	t.Helper()
	for lines := json.NewDecoder(body); ; {
		var line struct {
			Text    string
			Base64  string
			Skipped int64
		}
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			return given, skipped
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(line.Base64)
		if err != nil {
			t.Fatal(err)
		}
		given, skipped = given+int64(len(line.Text)+len(data)), skipped+line.Skipped
	}
}

// testFollowQueued follows a run that waits for another one of its job.
func testFollowQueued(t *testing.T, s *suite) {
	until := filepath.Join(t.TempDir(), "until")
	script := fmt.Sprintf("until [ -e %s ]; do sleep 0.05; done; echo \"$GUSTY_RUN_ID\"", until)
	job := agent.JobBody("patient", "0 0 30 2 *", script)
	job = strings.TrimSuffix(job, "}") + `,"overlap_policy":"queue"}`
	s.ask(t, probe{method: http.MethodPost, path: "/agent/job", body: job, status: http.StatusOK})
	var ids []string
	for range 3 {
		answer := s.ask(t, probe{
			method: http.MethodPost,
			path:   "/agent/job/run?script_name=patient",
			status: http.StatusAccepted,
		})
		ids = append(ids, decode[run](t, answer.Body).ID)
	}
	s.awaitRun(t, ids[2], "skipped")
	waiting := s.follow(bounded(t), t, ids[1], "")
	if got := readAll(t, s.follow(bounded(t), t, ids[2], "")); got != "" {
		t.Errorf("a run that was skipped printed %q", got)
	}
	cancelled := s.startRun(t, "cancelled", "echo here; exec sleep 300")
	ending := s.follow(bounded(t), t, cancelled, "")
	s.awaitRun(t, cancelled, "running")
	s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/runs/" + cancelled + "/cancel",
		status: http.StatusOK,
	})
	if got := readAll(t, ending); got != "here\n" && got != "" {
		t.Errorf("a run that was cancelled printed %q", got)
	}
	if err := os.WriteFile(until, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, waiting); got != ids[1]+"\n" {
		t.Errorf("a run that had to wait printed %q", got)
	}
}

// testFollowToTheStop stops the agent: it ends the run, whose last words still reach the follower,
// and waits for no one who does not read.
func testFollowToTheStop(t *testing.T, s *suite) {
	id := s.startRun(t, "polite", "trap 'echo bye; exit 0' TERM; echo up; sleep 300 & wait")
	flood := s.startRun(t, "flood2", "exec yes")
	s.follow(bounded(t), t, flood, "") // reads nothing
	response := s.follow(bounded(t), t, id, "")
	up := make([]byte, 3)
	if _, err := io.ReadFull(response.Body, up); err != nil || string(up) != "up\n" {
		t.Fatalf("%q, %v", up, err)
	}
	begun := time.Now()
	if err := s.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, response); got != "bye\n" {
		t.Errorf("the last words are %q", got)
	}
	if code, err := s.process.Wait(); err != nil || code != 0 {
		t.Errorf("the agent ended with %d, %v", code, err)
	}
	t.Logf("the agent stopped within %s", time.Since(begun))
}

// TestPrintedBeforeACrash kills the agent: what was printed more than two seconds before is there
// afterwards.
func TestPrintedBeforeACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	process := agent.StartT(t, dir)
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	id := s.startRun(t, "sleeper", "printf 'printed \\377'; exec sleep 314")
	two := make([]byte, 2)
	if _, err := io.ReadFull(s.follow(bounded(t), t, id, "").Body, two); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	const header = 30 // bytes of an output file before its first frame, as docs/storage.md has it
	eventually(t, "there is a file with a frame", func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "output", id+".*"))
		if err != nil || len(files) == 0 {
			return false
		}
		info, err := os.Stat(files[0])
		return err == nil && info.Size() > header
	})
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("the output was in a file after %s only", took)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.process = agent.StartT(t, dir)
	s.client.URL = s.process.URL
	s.awaitRun(t, id, "interrupted")
	s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/runs/" + id + "/output",
		status: http.StatusOK,
		exact:  "printed \xff",
	})
	s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/runs/" + id + "/output?follow=true",
		status: http.StatusOK,
		exact:  "printed \xff",
	})
}
