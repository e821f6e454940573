package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gusty/test/agent"
)

// TestRunsBeginWithDefaultSignals starts an agent as nohup and careless parents do: what it
// inherits reaches no script, and neither does how it treats closed pipes itself.
func TestRunsBeginWithDefaultSignals(t *testing.T) {
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "careless")
	script := "#!/bin/sh\ntrap '' HUP INT QUIT PIPE USR1 CHLD TSTP TTIN TTOU\nexec '" +
		os.Getenv(agent.BinaryVariable) + "' \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	process := startBlocking(t, agent.Options{
		Binary: wrapper,
		Dir:    filepath.Join(dir, "data"),
	}, unix.SIGUSR2, unix.SIGPIPE, unix.SIGTERM)
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	const clean = "SigBlk:0000000000000000 SigIgn:0000000000000000 "
	const line = `grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\t' | tr '\n' ' '`
	if got := s.execute(t, command(line)); got.Stdout != clean {
		t.Errorf("a command begins with %q, want %q", got.Stdout, clean)
	}
	id := s.startRun(t, "signals", line+"; yes | head -1 >&2; echo ${PIPESTATUS[@]}")
	s.awaitRun(t, id, "succeeded")
	output := s.ask(t, probe{
		method: "GET",
		path:   "/agent/runs/" + id + "/output?stream=stdout",
		status: 200,
	})
	if got := string(output.Body); got != clean+"141 0\n" {
		t.Errorf("a script prints %q, want %q", got, clean+"141 0\n")
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Errorf("after SIGTERM the exit code is %d (%v), want 0", code, err)
	}
}

// startBlocking starts an agent that inherits blocked signals.
func startBlocking(t *testing.T, o agent.Options, signals ...unix.Signal) *agent.Process {
	t.Helper()
	process, err := blocking(signals, func() (*agent.Process, error) {
		return agent.Start(t.Context(), o)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Kill(); err != nil {
			t.Error(err)
		}
	})
	return process
}

func blocking(signals []unix.Signal, start func() (*agent.Process, error)) (process *agent.Process,
	err error,
) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, before unix.Sigset_t
	for _, sig := range signals {
		set.Val[0] |= 1 << (sig - 1) // the first word holds those below 32 on every machine
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &before); err != nil {
		return nil, fmt.Errorf("block signals: %w", err)
	}
	process, err = start()
	if back := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); back != nil {
		return process, fmt.Errorf("unblock signals: %w", back)
	}
	return process, err
}

// TestCrashIsNoExitCodeOfTheAgents: after what the Go runtime takes for a crash the process ends
// with 2, which means nothing else, and the reason stands before the stack trace.
func TestCrashIsNoExitCodeOfTheAgents(t *testing.T) {
	t.Parallel()
	for signal, reason := range map[unix.Signal]string{
		unix.SIGABRT: "SIGABRT: abort\n", unix.SIGQUIT: "SIGQUIT: quit\n",
	} {
		process := agent.StartT(t, t.TempDir())
		if err := process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		code, err := process.Wait()
		said := process.Log()
		at := strings.Index(said, reason)
		if code != 2 || err != nil || at < 0 || at > strings.Index(said, "goroutine ") {
			t.Errorf("after %v the exit code is %d (%v); it wrote:\n%s", signal, code, err, said)
		}
	}
}
