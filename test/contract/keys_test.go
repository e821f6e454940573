package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// startWith starts an agent with an environment and stops it in order.
func startWith(t *testing.T, o agent.Options) {
	t.Helper()
	o.Binary = os.Getenv(agent.BinaryVariable)
	process, err := agent.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Errorf("stopping: exit code %d, %v", code, err)
	}
}

// refused expects exit code 5, the words, and that nothing was changed.
func refused(t *testing.T, words string, o agent.Options) {
	t.Helper()
	before := peek(o.Dir, "gusty.db")
	if log := fails(t, 5, o); !strings.Contains(log, words) {
		t.Errorf("it does not say %q:\n%s", words, log)
	}
	if !bytes.Equal(before, peek(o.Dir, "gusty.db")) {
		t.Error("the refused start changed the database")
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	write(t, files, "right", []byte("correct horse battery staple\n"))
	write(t, files, "wrong", []byte("correct horse battery\n"))
	from := func(name string) []string {
		return []string{"GUSTY_PASSPHRASE_FILE=" + filepath.Join(files, name)}
	}
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 {
		startWith(t, agent.Options{Dir: dir, Env: from("right")})
	}
	if peek(dir, "key") != nil {
		t.Error("there is a key file beside the passphrase")
	}
	refused(t, "is another one than it was made with", agent.Options{Dir: dir, Env: from("wrong")})
	refused(t, "there is no passphrase at", agent.Options{Dir: dir, Env: from("none")})
	refused(t, "there is nobody to ask for it", agent.Options{Dir: dir})
}

func TestCredential(t *testing.T) {
	t.Parallel()
	dir, credentials := stopped(t), t.TempDir()
	write(t, credentials, "gusty.key", read(t, dir, "key"))
	remove(t, dir, "key")
	env := []string{"CREDENTIALS_DIRECTORY=" + credentials}
	startWith(t, agent.Options{Dir: dir, Env: env})
	refused(t, "give --key-file, the systemd credential gusty.key", agent.Options{Dir: dir})
	write(t, credentials, "gusty.key", []byte("gusty-key-1:"+strings.Repeat("00", 32)))
	refused(t, "(a systemd credential) is another one", agent.Options{Dir: dir, Env: env})
}

func TestOlderCopy(t *testing.T) {
	t.Parallel()
	dir := stopped(t)
	older := read(t, dir, "gusty.db")
	process := agent.StartT(t, dir)
	if _, err := process.ClientT(t).Want(t.Context(), 200, "POST", "/agent/job",
		agent.JobBody("another", "@daily", "true")); err != nil {
		t.Fatal(err)
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Fatalf("stopping: exit code %d, %v", code, err)
	}
	write(t, dir, "gusty.db", older)
	refused(t, "is an older copy of itself", agent.Options{Dir: dir})
	startWith(t, agent.Options{Dir: dir, Args: []string{"--accept-rollback"}})
	startWith(t, agent.Options{Dir: dir})
}

// TestRotationGoesOnAfterAKill kills an agent right after it has begun to change its data key.
func TestRotationGoesOnAfterAKill(t *testing.T) {
	t.Parallel()
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	for i := range 40 {
		if _, err := client.Want(t.Context(), 200, "POST", "/agent/job",
			agent.JobBody("job "+string(rune('A'+i)), "@daily", "true")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Want(t.Context(), 202, "POST", "/agent/store/rotate", ""); err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	again := agent.StartT(t, process.Dir)
	client = again.ClientT(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var status struct {
		State      string `json:"state"`
		KeyVersion int    `json:"key_version"`
	}
	for status.State != "idle" {
		body, err := client.Want(ctx, 200, "GET", "/agent/store/rotate", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &status); err != nil {
			t.Fatal(err)
		}
	}
	if status.KeyVersion != 2 {
		t.Errorf("the data key is number %d", status.KeyVersion)
	}
	if _, err := client.Want(ctx, 200, "GET", "/agent/jobs?name=job%20A", ""); err != nil {
		t.Error(err)
	}
}
