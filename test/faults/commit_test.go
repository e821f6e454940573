package faults

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gusty/test/agent"
)

// commitsFail makes every commit fail with the error, until the function that it returns is called.
func (f *fixture) commitsFail(t *testing.T, errno string) (repair func()) {
	t.Helper()
	file := filepath.Join(f.faults, "commit")
	if err := os.WriteFile(file, []byte(errno), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailingCommits: of an error that says that nothing was written the agent tells its clients,
// and goes on; after any other it ends.
func TestFailingCommits(t *testing.T) {
	binary := build(t)
	f := start(t, binary)
	store := func(status int, name string) string {
		body, err := f.client.Want(t.Context(), status, http.MethodPost, "/agent/job",
			agent.JobBody(name, "@daily", "true"))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	store(http.StatusOK, "before")
	for errno, code := range map[string]string{
		"ENOSPC": "storage_full",
		"EDQUOT": "storage_quota",
		"EROFS":  "storage_read_only",
	} {
		repair := f.commitsFail(t, errno)
		if body := store(http.StatusServiceUnavailable, errno); !strings.Contains(body, `"code":"`+code+`"`) {
			t.Errorf("%s: %s", errno, body)
		}
		ready, err := f.client.Want(t.Context(), http.StatusOK, http.MethodGet,
			"/agent/health/ready", "")
		if err != nil || !strings.Contains(string(ready), code) {
			t.Errorf("%s: it is %s (%v)", errno, ready, err)
		}
		if _, err := f.client.Want(t.Context(), http.StatusOK, http.MethodGet,
			"/agent/jobs?name=before", ""); err != nil {
			t.Error(err)
		}
		repair()
		store(http.StatusOK, errno)
	}
	repair := f.commitsFail(t, "EIO")
	if answer, err := f.client.Do(t.Context(), http.MethodPost, "/agent/job",
		agent.JobBody("lost", "@daily", "true"), nil); err == nil {
		if answer.Status < 500 || strings.Contains(string(answer.Body), "storage_") {
			t.Errorf("an unknown outcome was answered %d %s", answer.Status, answer.Body)
		}
	}
	if code, err := f.Wait(); code != 3 || err != nil {
		t.Errorf("the exit code is %d (%v), want 3", code, err)
	}
	repair()
	again, err := agent.Start(t.Context(), agent.Options{Binary: binary, Dir: f.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Kill() }()
	if _, err := again.ClientT(t).Want(t.Context(), http.StatusOK, http.MethodGet,
		"/agent/jobs?name=before", ""); err != nil {
		t.Error(err)
	}
}
