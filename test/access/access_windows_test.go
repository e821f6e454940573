package access

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }

func TestAllThatTheAgentMakesIsClosed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "data")
	p := agent.StartT(t, dir)
	client := p.ClientT(t)
	for _, path := range []string{"/agent/status", "/agent/export", "/agent/backup"} {
		if _, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, path, ""); err != nil {
			t.Fatal(err)
		}
	}
	paths := expectAllClosed(t, filepath.Dir(dir))
	for _, name := range []string{
		"gusty.db", "key", "lock", "generation", "admin-password", "agent.json", `tls\server-key.pem`,
		`tls\ca.pem`, "output", "scripts",
	} {
		if !slices.Contains(paths, filepath.Join(dir, name)) {
			t.Errorf("there is no %s in %q", name, paths)
		}
	}
}

// A data directory as an earlier version made it: open to whom the directory above is open to.
func TestOpenDirectoryIsClosedAtTheStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := agent.StartT(t, dir).Kill(); err != nil {
		t.Fatal(err)
	}
	for _, path := range expectAllClosed(t, dir) {
		setList(t, path, readable)
	}
	p := agent.StartT(t, dir)
	expectAllClosed(t, dir)
	if log := p.Log(); !strings.Contains(log, "was open to other accounts") ||
		!strings.Contains(log, "S-1-1-0") {
		t.Errorf("no line tells who could read it:\n%s", log)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if log := agent.StartT(t, dir).Log(); strings.Contains(log, "was open to other accounts") {
		t.Errorf("the next start tells it again:\n%s", log)
	}
}

func TestDirectoryThatOthersMayChangeIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	setList(t, dir, "D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)")
	expectRefused(t, dir, "can be changed by")
}

func TestDirectoryOfAnotherUserIsRefused(t *testing.T) {
	const foreign = `Z:\foreign` // the chroot of .ci/wine has it
	if _, err := os.Stat(foreign); err != nil {
		t.Skipf("there is no directory of another user at %s: %v", foreign, err)
	}
	expectRefused(t, foreign, "belongs to")
}

// expectRefused starts the agent on a directory that it must not take, nor put anything into.
func expectRefused(t *testing.T, dir, sentence string) {
	t.Helper()
	p, err := agent.Start(
		t.Context(),
		agent.Options{Binary: os.Getenv(agent.BinaryVariable), Dir: dir},
	)
	var ended *agent.ExitError
	switch {
	case err == nil:
		t.Errorf("it was taken; %v", p.Kill())
	case !errors.As(err, &ended):
		t.Error(err)
	case ended.Code != 1, !strings.Contains(ended.Log, sentence),
		!strings.Contains(ended.Log, "icacls"):
		t.Errorf("exit code %d, and no cure: %s", ended.Code, ended.Log)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it holds %v, error %v", entries, err)
	}
}

// What gustyctl writes of a store is closed, wherever it goes.
func TestAllThatGustyctlWritesIsClosed(t *testing.T) {
	above := t.TempDir()
	dir, out := filepath.Join(above, "data"), filepath.Join(above, "out")
	p := agent.StartT(t, dir)
	client := p.ClientT(t)
	_, err := client.Want(t.Context(), http.StatusOK, http.MethodPut, "/agent/shutdown", "")
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(); code != 0 || err != nil {
		t.Fatalf("the agent ended with %d, %v", code, err)
	}
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	setList(t, out, readable)
	restored := filepath.Join(above, "restored")
	for _, args := range [][]string{
		{"key", "export", filepath.Join(out, "exported.key")},
		{"backup", "--offline", filepath.Join(out, "backup.tar")},
		{"export", "--with-secrets", filepath.Join(out, "all.sqlite")},
		{"export", "--with-secrets", filepath.Join(out, "all.ndjson")},
		{"key", "rotate"},
		{"db", "compact"},
		{
			"restore", filepath.Join(out, "backup.tar"), "--data-dir", restored,
			"--key-file", filepath.Join(out, "exported.key"), "--install-key",
		},
	} {
		control(t, dir, args...)
	}
	expectAllClosed(t, dir)
	expectAllClosed(t, restored)
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d files, error %v, want 4", len(entries), err)
	}
	for _, e := range entries {
		expectAllClosed(t, filepath.Join(out, e.Name()))
	}
}

// A file with passwords that others can read is not used, and the sentence has the command that
// closes it.
func TestOpenProfileFileIsRefused(t *testing.T) {
	config := t.TempDir()
	t.Setenv("APPDATA", config)
	path := filepath.Join(config, "gusty", "profiles.yaml")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := []byte("a: {url: https://127.0.0.1:1, user: Admin}\n")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	setList(t, path, readable)
	printed, err := command("--profile", "a", "status").CombinedOutput()
	if err == nil || !strings.Contains(string(printed), "can be read or changed by") ||
		!strings.Contains(string(printed), "icacls") {
		t.Errorf("error %v: %s", err, printed)
	}
}

func control(t *testing.T, dir string, args ...string) {
	t.Helper()
	if !slices.Contains(args, "--data-dir") {
		args = append(args, "--data-dir", dir)
	}
	if printed, err := command(args...).CombinedOutput(); err != nil {
		t.Fatalf("gustyctl %q: %v: %s", args, err, printed)
	}
}

// command is the gustyctl that lies beside gustyd.
func command(args ...string) *exec.Cmd {
	return exec.Command(
		filepath.Join(filepath.Dir(os.Getenv(agent.BinaryVariable)), "gustyctl.exe"),
		args...)
}
