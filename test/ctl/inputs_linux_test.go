package ctl

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gusty/test/agent"
)

// fed runs gustyctl with a text as its standard input.
func (b *bench) fed(t *testing.T, input []byte, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	defer cancel()
	command := b.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), &stdout, &stderr
	return ended(t, command.Run(), &stdout, &stderr)
}

func (b *bench) wantFed(t *testing.T, input []byte, args ...string) {
	t.Helper()
	if got := b.fed(t, input, args...); got.code != 0 {
		t.Errorf("gustyctl %q ended with %d: %s", args, got.code, got.stderr)
	}
}

// TestStandardInput pipes what is read once to each command that reads a file.
func TestStandardInput(t *testing.T) {
	control, err := agent.BuildControl(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{control: control, dir: t.TempDir(), data: t.TempDir()}
	process := agent.StartT(t, b.data)
	b.wantFed(t, []byte("echo hello\n"), "job", "add", "-", "--name", "hello", "--cron", "@daily",
		"--type", "bash")
	b.wantFed(t, []byte(b.want(t, 0, "", "export", "-").stdout), "import", "-")
	b.want(t, 0, "", "export", "rows.sqlite")
	b.wantFed(t, b.read(t, b.path("rows.sqlite")), "import", "-")
	archive := b.want(t, 0, "", "backup", "-").stdout
	b.testPipesToRead(t)
	passwords := b.read(t, b.data+"/admin-password")
	_, password, _ := strings.Cut(strings.TrimSpace(string(passwords)), ":")
	b.wantFed(t, []byte(password+"\na new pass word\n"),
		"user", "passwd", "Admin", "--user", "Admin", "--password-file", "-", "--new-password-file",
		"-")
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Fatalf("stop: %d, %v", code, err)
	}
	b.wantFed(t, []byte(archive), "restore", "-")
	if got := b.fed(t, []byte(archive[:len(archive)/2]), "restore", "-"); got.code != 1 {
		t.Errorf("half a backup was restored: %d, %s", got.code, got.stderr)
	}
	b.wantNothingLeft(t, 2)
}

// testPipesToRead: a named pipe, which nobody may ever write to, is refused.
func (b *bench) testPipesToRead(t *testing.T) {
	t.Helper()
	if err := syscall.Mkfifo(b.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"restore", "pipe"}, {"import", "pipe"}, {"job", "add", "pipe", "--cron", "@daily"},
	} {
		b.want(t, 2, "pipe is a named pipe", args...)
	}
	got := b.shell(t, `echo '{"none":1}' | "$0" import /dev/stdin`)
	if !strings.Contains(got.stdout+got.stderr, "refused") && got.code == 0 {
		t.Errorf("an open pipe was not read: %d, %s%s", got.code, got.stdout, got.stderr)
	}
}

// TestSignalEndsWaiting: a command that waits for its input ends by the first signal.
func TestSignalEndsWaiting(t *testing.T) {
	b := newBench(t)
	command := b.command(t.Context(), "import", "-")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = input.Close() }()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// It has taken all of this when it reads, and so listens to signals: a pipe holds 64 KiB.
	if _, err := input.Write(make([]byte, 256<<10)); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = command.Wait()
	exit, isExit := errors.AsType[*exec.ExitError](err)
	if !isExit || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	b.wantNothingLeft(t, 1)
}
