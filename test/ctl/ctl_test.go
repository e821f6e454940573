package ctl

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }

// TestScripts runs each script with an agent of its own.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	if _, err := agent.BuildControl(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	rusty, err := filepath.Abs("../../persistence/sqlite/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		dir := filepath.Join(env.WorkDir, "data")
		started, err := agent.Start(t.Context(), agent.Options{
			Binary: os.Getenv(agent.BinaryVariable),
			Dir:    dir,
		})
		if err != nil {
			return err
		}
		// it holds nothing that anybody looks at afterwards
		env.Defer(func() { _ = started.Kill() })
		env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
		env.Setenv("GUSTY_DATA_DIR", dir)
		env.Setenv("RUSTY", rusty)
		env.Setenv("TZ", "UTC")
		env.Setenv("HOME", env.WorkDir)
		return nil
	}})
}
