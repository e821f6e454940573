package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
)

const noProcess = 1 << 30 // above every pid_max

// agentDir makes a data directory whose agent.json names pid; 0 makes one without.
func agentDir(t *testing.T, pid int) dataDir {
	t.Helper()
	dir := dataDir(t.TempDir())
	if pid != 0 {
		write(t, dir.agentFile(), fmt.Sprintf(`{"pid":%d,"url":"https://127.0.0.1:20140"}`, pid), 0o600)
	}
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestRunningDirPrefersTheLivingThenTheFirst(t *testing.T) {
	none, dead, deadToo, alive := agentDir(t, 0), agentDir(t, noProcess), agentDir(t,
		noProcess), agentDir(t, os.Getpid())
	for _, c := range []struct {
		dirs []dataDir
		want dataDir
	}{
		{[]dataDir{none, dead, alive}, alive},
		{[]dataDir{alive, dead}, alive},
		{[]dataDir{none, dead, deadToo}, dead},
	} {
		got, err := runningDir(c.dirs)
		if err != nil || got != c.want {
			t.Errorf("%v: got %q, %v, want %q", c.dirs, got, err, c.want)
		}
	}
	_, err := runningDir([]dataDir{none})
	if exit.Code(err) != exit.Unreachable || !strings.Contains(err.Error(), string(none)) {
		t.Errorf("without an agent: %v", err)
	}
}

func TestCandidates(t *testing.T) {
	t.Chdir(t.TempDir())
	home := t.TempDir()
	getenv := func(name string) string {
		return map[string]string{
			"HOME":           home,
			"XDG_STATE_HOME": filepath.Join(home, "state"),
			"ProgramData":    home,
		}[name]
	}
	system := dataDir(defaultDataDir(getenv))
	if got := candidates("", getenv); !slices.Equal(got, []dataDir{system}) {
		t.Errorf("nothing named: %v", got)
	}
	if err := os.Mkdir(checkoutDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := candidates("", getenv); !slices.Equal(got, []dataDir{system, checkoutDir}) {
		t.Errorf("in a checkout: %v", got)
	}
	if got := candidates("named", getenv); !slices.Equal(got, []dataDir{"named"}) {
		t.Errorf("named: %v", got)
	}
}

func TestFirstCredentials(t *testing.T) {
	dir := agentDir(t, 0)
	if user, password, err := dir.firstCredentials(); user != "" || password != "" || err != nil {
		t.Errorf("without the file: %q, %v", user, err)
	}
	write(t, dir.passwordFile(), "Admin:with:colon\r\nmore\n", 0o600)
	if user, password, err := dir.firstCredentials(); user != "Admin" || password != "with:colon" ||
		err != nil {
		t.Errorf("got %q, %q, %v", user, password.Reveal(), err)
	}
	if err := dir.removeFirstCredentials("somebody"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir.passwordFile()); err != nil {
		t.Errorf("another user's change removed the file: %v", err)
	}
	if err := dir.removeFirstCredentials("Admin"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir.passwordFile()); !os.IsNotExist(err) {
		t.Errorf("the file with the old password is still there: %v", err)
	}
}
