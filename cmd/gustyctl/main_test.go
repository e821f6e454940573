package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gustyctl": main})
}

// TestScripts runs the command line as a user types it, each script against a fake agent of its
// own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return setUp(t, env) },
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("no such condition")
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     code,
			"newstore": newStore,
			"opens":    opens,
			"polled":   polled,
			"cut":      cut,
			"spoil":    spoil,
		},
	})
}

// setUp lays out a host: the data directory of a running agent, one of an agent that was killed,
// and a user's home.
func setUp(t *testing.T, env *testscript.Env) error {
	agent := startFakeAgent(t)
	env.Defer(agent.server.Close)
	env.Values[agentKey{}] = agent
	for _, dir := range []struct {
		name string
		pid  int
		url  string
	}{
		{"data", os.Getpid(), agent.server.URL},
		{"killed", 1 << 30, "https://127.0.0.1:" + strconv.Itoa(closedPort(t))}, // above every pid_max
		{"deaf", os.Getpid(), "https://127.0.0.1:" + strconv.Itoa(closedPort(t))},
	} {
		if err := agent.layOut(filepath.Join(env.WorkDir, dir.name), dir.pid, dir.url); err != nil {
			return err
		}
	}
	rusty, err := filepath.Abs("../../persistence/sqlite/testdata")
	if err != nil {
		return err
	}
	env.Setenv("RUSTY", rusty)
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	env.Setenv("TZ", "UTC")
	env.Setenv("GUSTY_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	env.Setenv("URL", agent.server.URL)
	env.Setenv("FINGERPRINT", formatFingerprint(agent.fingerprint))
	return os.MkdirAll(home, 0o700)
}

// layOut writes what an agent leaves in its data directory for gustyctl.
func (f *fakeAgent) layOut(dir string, pid int, url string) error {
	running, err := json.Marshal(runningAgent{PID: pid, URL: url})
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "tls"), 0o700),
		os.WriteFile(dataDir(dir).agentFile(), running, 0o600),
		os.WriteFile(dataDir(dir).caFile(), f.caPEM, 0o600),
		os.WriteFile(dataDir(dir).passwordFile(), []byte("Admin:"+adminPassword+"\n"), 0o600),
	)
}

// agentKey finds a script's fake agent.
type agentKey struct{}

// polled waits until the run under way was looked at.
func polled(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-ts.Value(agentKey{}).(*fakeAgent).polled:
	case <-time.After(time.Minute):
		ts.Fatalf("nobody looked at the run")
	}
}

// code checks the exit code of a command: code 3 gustyctl status.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [arg...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}
