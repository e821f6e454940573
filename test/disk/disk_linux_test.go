package disk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
)

// diskOf mounts a small file system for a data directory.
func diskOf(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0,
		fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
		t.Fatalf("remount: %v", err)
	}
}

// fixture is an agent whose job writes a line into a file elsewhere at each of its runs.
type fixture struct {
	t       *testing.T
	dir     string
	fired   string
	process *agent.Process
	client  *agent.Client
}

func begin(t *testing.T, bytes int) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: diskOf(t, bytes), fired: filepath.Join(t.TempDir(), "fired")}
	f.start()
	f.want(http.StatusOK, http.MethodPost, "/agent/job",
		agent.JobBody("ticker", "* * * * * *", "echo x >> "+f.fired))
	return f
}

func (f *fixture) start() {
	f.t.Helper()
	f.process = agent.StartT(f.t, f.dir)
	f.client = f.process.ClientT(f.t)
}

func (f *fixture) stop() {
	f.t.Helper()
	if code, err := f.process.Stop(); code != 0 || err != nil {
		f.t.Fatalf("stop: %d, %v", code, err)
	}
}

func (f *fixture) want(status int, method, path, body string) []byte {
	f.t.Helper()
	got, err := f.client.Want(f.t.Context(), status, method, path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

// refused expects that a change is refused for the disk's sake.
func (f *fixture) refused(code, path, method, body string) {
	f.t.Helper()
	if got := f.want(http.StatusServiceUnavailable, method, path, body); !strings.Contains(string(got), `"code":"`+code+`"`) {
		f.t.Errorf("%s %s was answered %s", method, path, got)
	}
}

func (f *fixture) status() string {
	var ready struct{ Status string }
	if err := json.Unmarshal(f.want(http.StatusOK, http.MethodGet, "/agent/health/ready", ""),
		&ready); err != nil {
		f.t.Fatal(err)
	}
	return ready.Status
}

// firings counts what the job has done.
func (f *fixture) firings() int {
	text, err := os.ReadFile(f.fired)
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return strings.Count(string(text), "x")
}

// records counts the runs of the job that the store has as succeeded.
func (f *fixture) records() int {
	var page struct{ Items []any }
	body := f.want(http.StatusOK, http.MethodGet,
		"/agent/runs?script_name=ticker&state=succeeded&limit=1000", "")
	if err := json.Unmarshal(body, &page); err != nil {
		f.t.Fatal(err)
	}
	return len(page.Items)
}

func (f *fixture) eventually(what string, is func() bool) {
	f.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			f.t.Fatalf("in vain was waited for %s", what)
		}
	}
}

// goesOn expects firings that have no record, and afterwards, when the disk takes writes again, a
// record of each.
func (f *fixture) goesOn(repair func()) {
	f.t.Helper()
	begun, recorded := f.firings(), f.records()
	f.eventually("three firings", func() bool { return f.firings() >= begun+3 })
	repair()
	f.eventually("the records of what ran meanwhile", func() bool {
		return f.records() >= recorded+3 && f.records() >= f.firings()-1
	})
	f.eventually("the end of the degraded state", func() bool { return f.status() == "ready" })
	f.want(http.StatusOK, http.MethodPost, "/agent/job",
		agent.JobBody("room again", "@daily", "true"))
}

// TestStartOnAReadOnlyDisk: it serves reads, says so, fires, and takes changes when the disk does.
func TestStartOnAReadOnlyDisk(t *testing.T) {
	f := begin(t, 16<<20)
	f.eventually("a firing", func() bool { return f.records() > 0 })
	f.stop()
	remount(t, f.dir, syscall.MS_RDONLY)
	f.start()
	if f.status() != "degraded" {
		t.Error("it does not say so")
	}
	f.want(http.StatusOK, http.MethodGet, "/agent/jobs?name=ticker", "")
	f.refused("storage_read_only", "/agent/job", http.MethodPost,
		agent.JobBody("more", "@daily", "true"))
	f.refused("storage_read_only", "/agent/config", http.MethodPut, `[{"propertyName":"agent_id","propertyValue":"1"}]`)
	f.refused("storage_read_only", "/agent/backup", http.MethodGet, "")
	if metrics := string(f.want(http.StatusOK, http.MethodGet, "/metrics", "")); !strings.Contains(metrics, `gusty_store_degraded{code="storage_read_only"} 1`) {
		t.Error("the metrics do not say so")
	}
	if !strings.Contains(f.process.Log(), "storage_read_only") {
		t.Error("the log does not say so")
	}
	f.goesOn(func() { remount(t, f.dir, 0) })
	f.stop()
	f.start()
	f.want(http.StatusOK, http.MethodGet, "/agent/jobs?name=room+again", "")
}

// TestFullDisk: a running agent refuses what finds no room, keeps what it acknowledged, fires, and
// goes on when there is room. A start on the full disk does the same.
func TestFullDisk(t *testing.T) {
	f := begin(t, 4<<20)
	f.eventually("a firing", func() bool { return f.records() > 0 })
	fill(t, f.dir)
	kept := f.storeUntilFull("first")
	f.stop()
	f.start()
	f.requireJobs("first", kept)
	f.storeUntilFull("second")
	f.refused("storage_full", "/agent/backup", http.MethodGet, "")
	f.goesOn(func() {
		if err := os.Remove(filepath.Join(f.dir, "filler")); err != nil {
			t.Fatal(err)
		}
	})
	f.requireJobs("first", kept)
}

func fill(t *testing.T, dir string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// storeUntilFull stores large jobs until one is refused, and says how many were taken.
func (f *fixture) storeUntilFull(name string) (kept int) {
	f.t.Helper()
	script := strings.Repeat("# nothing at all\n", 2000)
	for ; kept < 400; kept++ {
		body := agent.JobBody(fmt.Sprint(name, " ", kept), "@daily", script)
		answer, err := f.client.Do(f.t.Context(), http.MethodPost, "/agent/job", body, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		if answer.Status == http.StatusOK {
			continue
		}
		if answer.Status != http.StatusServiceUnavailable || !strings.Contains(string(answer.Body), `"code":"storage_full"`) {
			f.t.Fatalf("job %d was answered %d %s", kept, answer.Status, answer.Body)
		}
		return kept
	}
	f.t.Fatal("the disk is never full")
	return kept
}

func (f *fixture) requireJobs(name string, count int) {
	f.t.Helper()
	for n := range count {
		f.want(http.StatusOK, http.MethodGet, fmt.Sprintf("/agent/jobs?name=%s+%d", name, n), "")
	}
}

// output returns what is there of what a run printed, and how many bytes are told as left out.
func (f *fixture) output(r *agent.Run) (text string, skipped int64) {
	f.t.Helper()
	body := f.want(http.StatusOK, http.MethodGet, "/agent/runs/"+r.ID+"/output?format=ndjson", "")
	for decoder := json.NewDecoder(bytes.NewReader(body)); decoder.More(); {
		var line struct {
			Text    string
			Skipped int64
		}
		if err := decoder.Decode(&line); err != nil {
			f.t.Fatal(err)
		}
		text, skipped = text+line.Text, skipped+line.Skipped
	}
	return text, skipped
}

// ended counts the runs of a job that have ended, by the log, which needs no disk.
func (f *fixture) ended(job string) (count int) {
	for line := range strings.Lines(f.process.Log()) {
		if strings.Contains(line, "run ended") && strings.Contains(line, job) {
			count++
		}
	}
	return count
}

// succeeded returns the records of a job's runs.
func (f *fixture) succeeded(job string) []agent.Run {
	f.t.Helper()
	runs, err := f.client.Runs(f.t.Context(), "script_name="+job+"&state=succeeded")
	if err != nil {
		f.t.Fatal(err)
	}
	return runs
}

// TestOutputOnAFullDisk: what runs print meanwhile is counted, what little they print is there, and
// of the rest the record says why it is not.
func TestOutputOnAFullDisk(t *testing.T) {
	f := begin(t, 4<<20)
	const flood, little = "for n in $(seq 30); do head -c 20000 /dev/zero | tr '\\0' y; sleep " +
		"0.1; done; echo last words", "line 1\nline 2\nline 3\nline 4\n"
	const printed = 30*20_000 + int64(len("last words\n"))
	f.want(http.StatusOK, http.MethodPost, "/agent/job",
		agent.JobBody("active", "@yearly", "sleep 1;"+flood))
	f.want(http.StatusOK, http.MethodPost, "/agent/job",
		agent.JobBody("flood", "*/5 * * * * *", flood))
	f.want(http.StatusOK, http.MethodPost, "/agent/job",
		agent.JobBody("little", "*/5 * * * * *",
			"for n in 1 2 3 4; do echo line $n; sleep 1; done"))
	active, err := f.client.StartJob(t.Context(), "active")
	if err != nil {
		t.Fatal(err)
	}
	fill(t, f.dir)
	f.storeUntilFull("more")
	flooded, lined := f.ended("flood"), f.ended("little")
	f.eventually("ends of two runs each", func() bool {
		return f.ended("flood") > flooded+1 && f.ended("little") > lined+1 && f.ended("active") > 0
	})
	if err := os.Remove(filepath.Join(f.dir, "filler")); err != nil {
		t.Fatal(err)
	}
	f.eventually("their records", func() bool {
		return len(f.succeeded("flood")) > flooded+1 && len(f.succeeded("little")) > lined+1
	})
	if active, err = f.client.AwaitEnd(t.Context(), active.ID); err != nil ||
		active.State != "succeeded" {
		t.Errorf("the run under way: %+v, %v", active, err)
	}
	told := 0
	for _, r := range append(f.succeeded("flood"), active) {
		text, skipped := f.output(&r)
		if r.StdoutBytes != printed || int64(len(text))+skipped != printed ||
			r.StdoutTruncated != (skipped > 0) || !strings.HasSuffix(text, "last words\n") {
			t.Errorf("%+v: %d bytes are there, and %d told as left out, of %d", r, len(text),
				skipped, printed)
		}
		if strings.Contains(r.Reason, "the storage took no writes") != (skipped > 0) {
			t.Errorf("%d bytes were left out: %q", skipped, r.Reason)
		} else if skipped > 0 {
			told++
		}
	}
	if told < 2 {
		t.Errorf("output was left out of %d runs", told)
	}
	for _, r := range f.succeeded("little") {
		if text, skipped := f.output(&r); text != little || skipped != 0 || r.Reason != "" ||
			r.StdoutTruncated {
			t.Errorf("%+v: %q, %d left out", r, text, skipped)
		}
	}
}
