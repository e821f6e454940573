package agent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// BinaryVariable is the environment variable that names a gustyd to test instead of one built from
// the sources.
const BinaryVariable = "GUSTYD"

// Build builds gustyd into dir as `make build` does and returns its path, or the path that
// BinaryVariable names.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return filepath.Abs(path)
	}
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gustyd")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags",
		"-s -w -X main.version=0.0.0-test", "-o", path, "./cmd/gustyd")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building gustyd: %w\n%s", err, out)
	}
	return path, nil
}

// BuildControl builds gustyctl into dir and returns its path.
func BuildControl(ctx context.Context, dir string) (string, error) {
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gustyctl")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/gustyctl")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building gustyctl: %w\n%s", err, out)
	}
	return path, nil
}

// Root returns the directory of the module that the caller belongs to.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the module's directory: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", fmt.Errorf("not inside a module: start this from the repository")
	}
	return filepath.Dir(file), nil
}
