//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A named pipe would hold up every line of the log, and with it the agent.
func TestLogIsNoNamedPipe(t *testing.T) {
	out := &logOutput{dir: t.TempDir()}
	path := filepath.Join(out.dir, "agent.log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := out.use("agent.log"); err == nil ||
		!strings.Contains(err.Error(), "is a named pipe") {
		t.Errorf("got %v, want a refusal", err)
	}
	if err := os.Symlink(os.DevNull, filepath.Join(out.dir, "null.log")); err != nil {
		t.Fatal(err)
	}
	if err := out.use("null.log"); err != nil {
		t.Errorf("a device: %v", err)
	}
}
