package hostinfo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// collectRust asks the rustc on the path, if any, for its version. That there is none is a finding
// and not a failure.
func collectRust(ctx context.Context) (func(*Figures), error) {
	path, err := exec.LookPath("rustc")
	if errors.Is(err, exec.ErrNotFound) {
		return func(f *Figures) { f.RustVersion, f.RustInstallPath = "", "" }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up rustc: %w", err)
	}
	version, err := rustVersion(ctx, path)
	if err != nil {
		return nil, err
	}
	return func(f *Figures) { f.RustVersion, f.RustInstallPath = version, filepath.Dir(path) }, nil
}

// rustVersion runs rustc. It is ended with ctx, and its output is not waited for much longer: a
// child of it may hold the pipe.
func rustVersion(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	cmd.Env = rustEnv()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}

// rustEnv is what rustc needs, and nothing else of the agent's environment.
func rustEnv() []string {
	env := []string{}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME", "USERPROFILE",
		"TEMP", "TMP",
	} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
