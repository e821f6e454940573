package disk

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gusty/test/agent"
)

// TestControlOnAFullDisk: what gustyctl writes to a full disk fails with the disk's own sentence,
// be it read from a running agent or from a store, and leaves what was there.
func TestControlOnAFullDisk(t *testing.T) {
	control, err := agent.BuildControl(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, small := filepath.Join(t.TempDir(), "data"), diskOf(t, 64<<10)
	if err := os.WriteFile(filepath.Join(small, "old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, small)
	process := agent.StartT(t, data)
	expect := func(args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), control, args...)
		command.Env = append(os.Environ(), "GUSTY_DATA_DIR="+data)
		out, err := command.CombinedOutput()
		exit, isExit := errors.AsType[*exec.ExitError](err)
		if !isExit || exit.ExitCode() != 1 || !strings.Contains(string(out), "no space left on") {
			t.Errorf("gustyctl %q: %v, %s", args, err, out)
		}
		expectOld(t, small)
	}
	for range 2 {
		for _, name := range []string{"old", "new"} {
			expect("backup", filepath.Join(small, name))
			expect("export", filepath.Join(small, name))
			expect("export", "--for-rusty-agent", filepath.Join(small, name))
			expect("export", filepath.Join(small, name+".ndjson"))
		}
		expect("key", "export", filepath.Join(small, "new"))
		if code, err := process.Stop(); code != 0 || err != nil {
			t.Fatalf("stop: %d, %v", code, err)
		}
	}
}

func expectOld(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	old, readErr := os.ReadFile(filepath.Join(dir, "old"))
	if err != nil || readErr != nil || len(entries) != 2 || !bytes.Equal(old, []byte("old")) {
		t.Errorf("there are %v, and the old file holds %q: %v, %v", entries, old, err, readErr)
	}
}
