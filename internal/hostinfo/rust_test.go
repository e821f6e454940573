//go:build unix

package hostinfo

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// installRust makes a rustc that is a shell script, the only program on the path but for the
// shell's own.
func installRust(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if script != "" {
		if err := os.WriteFile(filepath.Join(dir, "rustc"), []byte("#!/bin/sh\n"+script),
			0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

func TestRustVersion(t *testing.T) {
	dir := installRust(t, "echo 'rustc 1.75.0 (82e1608df 2023-12-21)'; echo more")
	var f Figures
	apply, err := collectRust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(&f)
	if f.RustVersion != "rustc 1.75.0 (82e1608df 2023-12-21)" || f.RustInstallPath != dir {
		t.Errorf("got %q in %q", f.RustVersion, f.RustInstallPath)
	}
}

func TestNoRustIsNoFailure(t *testing.T) {
	installRust(t, "")
	f := Figures{RustVersion: "left over", RustInstallPath: "left over"}
	apply, err := collectRust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(&f)
	if f.RustVersion != "" || f.RustInstallPath != "" {
		t.Errorf("got %q in %q", f.RustVersion, f.RustInstallPath)
	}
}

func TestRustThatFailsOrHangs(t *testing.T) {
	installRust(t, "exit 3")
	if _, err := collectRust(t.Context()); err == nil {
		t.Error("no error of a rustc that fails")
	}
	installRust(t, "exec /bin/sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := collectRust(ctx); err == nil {
		t.Error("no error of a rustc that hangs")
	}
}
