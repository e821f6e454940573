package ctl

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }

// TestScripts runs each script with an agent of its own.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	build(t, filepath.Join(bin, "gustyctl"))
	rusty, err := filepath.Abs("../../persistence/sqlite/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		dir := filepath.Join(env.WorkDir, "data")
		started, err := agent.Start(t.Context(), agent.Options{Binary: os.Getenv(agent.BinaryVariable), Dir: dir})
		if err != nil {
			return err
		}
		env.Defer(func() { _ = started.Kill() }) // it holds nothing that anybody looks at afterwards
		env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
		env.Setenv("GUSTY_DATA_DIR", dir)
		env.Setenv("RUSTY", rusty)
		env.Setenv("TZ", "UTC")
		env.Setenv("HOME", env.WorkDir)
		return nil
	}})
}

func build(t *testing.T, path string) {
	t.Helper()
	root, err := agent.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/gustyctl")
	command.Dir, command.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building gustyctl: %v\n%s", err, out)
	}
}
