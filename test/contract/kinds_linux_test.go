package contract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gusty/test/agent"
)

// TestKindsOfFiles starts an agent on data directories in which something is no regular file: it
// ends with a sentence, and neither waits for a pipe nor removes it.
func TestKindsOfFiles(t *testing.T) {
	for _, name := range []string{
		"gusty.db", "key", "key.new", "lock", "generation", "admin-password", "tls/server.pem",
		"tls/server-key.pem",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), syscall.Mkfifo(path, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		started, err := agent.Start(t.Context(), agent.Options{
			Binary: os.Getenv(agent.BinaryVariable), Dir: dir,
		})
		if err == nil {
			t.Errorf("%s: it serves; stop: %v", name, started.Kill())
			continue
		}
		ended, ok := errors.AsType[*agent.ExitError](err)
		if !ok || ended.Code == 0 || !strings.Contains(ended.Log, name+" is a named pipe") {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
			t.Errorf("%s is %v now, %v", name, info, err)
		}
	}
}

// TestLinkedFiles: what an agent writes goes to where a link leads, and the link stays.
func TestLinkedFiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	names := []string{"agent.json", "admin-password", "key", "tls/server.pem", "tls/server-key.pem"}
	for _, name := range names {
		err := os.Symlink(filepath.Join(elsewhere, filepath.Base(name)), filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
	}
	process := agent.StartT(t, dir)
	process.ClientT(t)
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", name, info, err)
		}
		info, err = os.Lstat(filepath.Join(elsewhere, filepath.Base(name)))
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			t.Errorf("%s leads to no file: %v, %v", name, info, err)
		}
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Errorf("stop: %d, %v", code, err)
	}
	announced := filepath.Join(elsewhere, "agent.json")
	if _, err := os.Lstat(announced); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stopped agent left %s: %v", announced, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "agent.json")); err != nil {
		t.Errorf("it removed the link: %v", err)
	}
}
