package ctl

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
)

// commandWithin bounds a command that shall not wait for anything.
const commandWithin = time.Minute

// bench is a directory with an agent's data, where gustyctl is called.
type bench struct {
	control string
	dir     string // the working directory
	data    string // the agent's
}

func newBench(t *testing.T) *bench {
	t.Helper()
	control, err := agent.BuildControl(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{control: control, dir: t.TempDir()}
	b.data = filepath.Join(b.dir, "data")
	agent.StartT(t, b.data)
	return b
}

// in returns the bench with another working directory, which is empty.
func (b *bench) in(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp(b.dir, "work-")
	if err != nil {
		t.Fatal(err)
	}
	return &bench{control: b.control, dir: dir, data: b.data}
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, b.control, args...)
	command.Dir = b.dir
	command.Env = append(os.Environ(), "GUSTY_DATA_DIR="+b.data, "HOME="+b.dir, "TMPDIR="+b.dir)
	return command
}

func (b *bench) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	defer cancel()
	command := b.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	return ended(t, command.Run(), &stdout, &stderr)
}

func ended(t *testing.T, err error, stdout, stderr *bytes.Buffer) result {
	t.Helper()
	exit, isExit := errors.AsType[*exec.ExitError](err)
	if err != nil && !isExit {
		t.Fatal(err)
	}
	got := result{stdout: stdout.String(), stderr: stderr.String()}
	if isExit {
		got.code = exit.ExitCode()
	}
	return got
}

// writing is a command that writes to a name, and how its content begins.
type writing struct {
	args     []string
	begins   string
	onlyNew  bool
	toStdout string // how the content begins on standard output; "" as elsewhere
}

func writings() map[string]writing {
	return map[string]writing{
		"backup":     {args: []string{"backup"}, begins: "gusty.db\x00"},
		"key export": {args: []string{"key", "export"}, begins: "gusty-key-1:", onlyNew: true},
		"export": {
			args: []string{"export"}, begins: "SQLite format 3\x00",
			toStdout: `{"table":"agent_version"`,
		},
	}
}

func (w *writing) to(name string) []string { return append(append([]string{}, w.args...), name) }

// TestTargets writes with each command to each kind of file.
func TestTargets(t *testing.T) {
	b := newBench(t)
	for name, w := range writings() {
		t.Run(name, func(t *testing.T) {
			t.Run("new", func(t *testing.T) { b.in(t).testNew(t, &w) })
			t.Run("regular", func(t *testing.T) { b.in(t).testRegular(t, &w) })
			t.Run("link", func(t *testing.T) { b.in(t).testLinks(t, &w) })
			t.Run("pipe", func(t *testing.T) { b.in(t).testPipe(t, &w) })
			t.Run("device", func(t *testing.T) { b.in(t).testDevices(t, &w) })
			t.Run("refused", func(t *testing.T) { b.in(t).testRefused(t, &w) })
			t.Run("stdout", func(t *testing.T) { b.in(t).testStdout(t, &w) })
			t.Run("own", func(t *testing.T) { b.in(t).testOwnFiles(t, &w) })
			t.Run("planted", func(t *testing.T) { b.in(t).testPlanted(t, &w) })
		})
	}
}

func (b *bench) testNew(t *testing.T, w *writing) {
	b.want(t, 0, "", w.to("new")...)
	b.wantFile(t, "new", w.begins, 0o600)
	b.want(t, 0, "", w.to("two\nlines")...)
	b.wantFile(t, "two\nlines", w.begins, 0o600)
	b.want(t, 0, "", w.to(strings.Repeat("n", 255))...)
	b.wantNothingLeft(t, 3)
}

func (b *bench) testRegular(t *testing.T, w *writing) {
	b.write(t, "there", "old", 0o640)
	if w.onlyNew {
		b.want(t, 1, "file already exists", w.to("there")...)
		b.wantFile(t, "there", "old", 0o640)
		return
	}
	b.want(t, 0, "", w.to("there")...)
	b.wantFile(t, "there", w.begins, 0o640)
	if os.Geteuid() == 0 {
		if err := os.Chown(b.path("there"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		b.want(t, 0, "", w.to("there")...)
		info, err := os.Stat(b.path("there"))
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != 65534 {
			t.Errorf("the file has another owner: %v, %v", info, err)
		}
	}
	b.wantNothingLeft(t, 1)
}

// testLinks: a link stays, and what it leads to is written.
func (b *bench) testLinks(t *testing.T, w *writing) {
	b.mkdir(t, "dir")
	b.link(t, "dir/end", "link")
	b.link(t, "link", "second")
	b.want(t, 0, "", w.to("second")...)
	b.wantFile(t, "dir/end", w.begins, 0o600)
	if !w.onlyNew {
		b.want(t, 0, "", w.to("second")...)
	}
	b.link(t, "loop", "loop")
	b.want(t, 2, "loop", w.to("loop")...)
	b.link(t, "dir", "way")
	b.link(t, "nowhere/end", "lost")
	b.want(t, 0, "", w.to("way/through")...)
	b.want(t, 2, "there is no directory nowhere", w.to("lost")...)
	b.link(t, "dir", "todir")
	b.want(t, 2, "is a directory", w.to("todir")...)
	for _, name := range []string{"link", "second", "loop", "way", "lost", "todir"} {
		b.wantKind(t, name, fs.ModeSymlink)
	}
	b.wantNothingLeft(t, 7)
}

func (b *bench) testPipe(t *testing.T, w *writing) {
	if err := syscall.Mkfifo(b.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.link(t, "pipe", "topipe")
	for _, name := range []string{"pipe", "topipe"} {
		content := make(chan []byte, 1)
		go func() {
			got, _ := os.ReadFile(b.path("pipe")) // what is not read is missed below
			content <- got
		}()
		b.want(t, 0, "", w.to(name)...)
		select {
		case got := <-content:
			if !strings.HasPrefix(string(got), w.begins) {
				t.Errorf("the pipe got %.40q", got)
			}
		case <-time.After(commandWithin):
			t.Fatal("nothing came through the pipe")
		}
	}
	b.wantKind(t, "pipe", fs.ModeNamedPipe)
	b.wantNothingLeft(t, 2)
}

// TestPipeWithoutReader: a command that waits for a reader ends by a signal.
func TestPipeWithoutReader(t *testing.T) {
	b := newBench(t)
	if err := syscall.Mkfifo(filepath.Join(b.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := b.command(t.Context(), "backup", "pipe")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	again := time.NewTicker(100 * time.Millisecond) // it may not listen to signals yet
	defer again.Stop()
	for limit := time.After(commandWithin); ; {
		select {
		case err := <-done:
			if err == nil {
				t.Error("it claims success")
			}
			return
		case <-again.C:
			_ = command.Process.Signal(syscall.SIGTERM) // it may have ended
		case <-limit:
			_ = command.Process.Kill()
			t.Fatal("a signal did not end it")
		}
	}
}

func (b *bench) testDevices(t *testing.T, w *writing) {
	devices := []struct {
		name string
		mode uint32
		dev  int
	}{
		{"null", syscall.S_IFCHR, 1<<8 | 3},
		{"full", syscall.S_IFCHR, 1<<8 | 7},
		{"block", syscall.S_IFBLK, 7<<8 | 200},
	}
	for _, d := range devices {
		if err := syscall.Mknod(b.path(d.name), d.mode|0o600, d.dev); err != nil {
			t.Skip("this user makes no devices:", err)
		}
	}
	if f, err := os.OpenFile(b.path("null"), os.O_WRONLY, 0); err != nil {
		t.Skip("no device is opened here:", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.want(t, 0, "", w.to("null")...)
	b.want(t, 1, "cannot write to full: no space left on device", w.to("full")...)
	b.want(t, 2, "block is a block device", w.to("block")...)
	for _, command := range []string{"completion bash", "job ls -l", "status", "metric"} {
		got := b.shell(t, `"$0" `+command+` > full`)
		if got.code != 1 || !strings.Contains(got.stderr, "no space left on device") {
			t.Errorf("%s to a full device: %d, %s", command, got.code, got.stderr)
		}
	}
	b.wantKind(t, "null", fs.ModeCharDevice)
	b.wantKind(t, "full", fs.ModeCharDevice)
	b.wantKind(t, "block", fs.ModeDevice)
	b.wantNothingLeft(t, len(devices))
}

func (b *bench) testRefused(t *testing.T, w *writing) {
	b.mkdir(t, "dir")
	var listening net.ListenConfig
	t.Chdir(b.dir) // the name of a socket is short
	socket, err := listening.Listen(t.Context(), "unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	b.want(t, 2, "socket is a socket", w.to("socket")...)
	b.want(t, 2, "is a directory", w.to("dir")...)
	b.want(t, 2, "names a directory", w.to("dir/")...)
	b.want(t, 2, "there is no directory none", w.to("none/file")...)
	b.want(t, 2, "is no name of a file", w.to("")...)
	b.wantKind(t, "socket", fs.ModeSocket)
	b.wantNothingLeft(t, 2)
	b.write(t, "readonly", "old", 0o400)
	if os.Geteuid() != 0 && !w.onlyNew {
		b.want(t, 1, "permission denied", w.to("readonly")...)
		b.wantFile(t, "readonly", "old", 0o400)
	}
}

func (b *bench) testStdout(t *testing.T, w *writing) {
	begins := w.begins
	if w.toStdout != "" {
		begins = w.toStdout
	}
	got := b.want(t, 0, "", w.to("-")...)
	if !strings.HasPrefix(got.stdout, begins) {
		t.Errorf("standard output got %.60q", got.stdout)
	}
	b.wantNothingLeft(t, 0)
	// as /dev/stdout is made, but in a place where a mistake does no harm
	b.link(t, "/proc/self/fd/1", "stdout")
	got = b.want(t, 0, "", w.to("stdout")...)
	if !strings.HasPrefix(got.stdout, w.begins) || strings.Contains(got.stdout, "database  ") {
		t.Errorf("standard output got %.60q", got.stdout)
	}
	b.wantKind(t, "stdout", fs.ModeSymlink)
	got = b.shell(t, `echo first > out; "$0" "$@" >> out`, w.to("stdout")...)
	if got.code != 0 {
		t.Errorf("it ended with %d: %s", got.code, got.stderr)
	}
	b.wantFile(t, "out", "first\n"+w.begins, 0o644)
	got = b.shell(t, `exec "$0" "$@" >&-`, w.to("-")...)
	if got.code != 1 || !strings.Contains(got.stderr, "standard output: it is closed") {
		t.Errorf("a closed output: %d, %s", got.code, got.stderr)
	}
	b.testReaderGone(t, w)
	b.wantNothingLeft(t, 2)
}

// testReaderGone: who reads has gone before anything was written; that is no story to tell.
func (b *bench) testReaderGone(t *testing.T, w *writing) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	command := b.command(t.Context(), w.to("-")...)
	var stderr bytes.Buffer
	command.Stdout, command.Stderr = writer, &stderr
	got := ended(t, command.Run(), &bytes.Buffer{}, &stderr)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if got.code == 0 || strings.Contains(got.stderr, "gustyctl:") {
		t.Errorf("it ended with %d: %s", got.code, got.stderr)
	}
}

// testOwnFiles: no file of the agent is written over, by whatever name.
func (b *bench) testOwnFiles(t *testing.T, w *writing) {
	code := 2
	if w.onlyNew {
		code = 1
	}
	for _, name := range []string{"gusty.db", "key", "admin-password", "lock", "tls/server.pem"} {
		path := filepath.Join(b.data, name)
		before := b.read(t, path)
		b.want(t, code, "", w.to(path)...)
		if name != "gusty.db" && !bytes.Equal(before, b.read(t, path)) {
			t.Errorf("%s is another file now", name)
		}
	}
	b.want(t, 2, "file of an agent", w.to(filepath.Join(b.data, "output", "new"))...)
	b.want(t, 2, "file of an agent", w.to(filepath.Join(b.data, "key.old-1"))...)
	if err := os.Link(filepath.Join(b.data, "gusty.db"), b.path("hard")); err != nil {
		t.Fatal(err)
	}
	b.want(t, code, "", w.to("hard")...)
	b.write(t, "akey", "gusty-key-1:00", 0o600)
	b.want(t, code, "", w.to("akey")...)
	b.wantFile(t, "akey", "gusty-key-1:00", 0o600)
	got := b.shell(t, `exec "$0" "$@" >> `+filepath.Join(b.data, "key"), w.to("-")...)
	if got.code == 0 {
		t.Error("a key file was written to through standard output")
	}
	b.wantNothingLeft(t, 2)
}

// testPlanted: what another user put where everybody may write leads nowhere.
func (b *bench) testPlanted(t *testing.T, w *writing) {
	if os.Geteuid() != 0 {
		t.Skip("files of another user are made by root alone")
	}
	b.mkdir(t, "shared")
	if err := os.Chmod(b.path("shared"), 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	b.write(t, "precious", "old", 0o600)
	b.link(t, b.path("precious"), "shared/link")
	b.link(t, b.dir, "shared/way")
	b.write(t, "shared/regular", "old", 0o666)
	if err := syscall.Mkfifo(b.path("shared/pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "way", "regular", "pipe"} {
		if err := os.Lchown(b.path("shared/"+name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "way/precious", "regular", "pipe"} {
		got := b.run(t, w.to("shared/"+name)...)
		if got.code == 0 || !strings.Contains(got.stderr, "another user's") {
			t.Errorf("%s: %d, %s", name, got.code, got.stderr)
		}
	}
	b.wantFile(t, "precious", "old", 0o600)
	b.want(t, 0, "", w.to("shared/new")...)
}

// TestJobExportTargets: a directory is not standard output, and is none of the agent's.
func TestJobExportTargets(t *testing.T) {
	b := newBench(t)
	b.want(t, 2, "a directory cannot go to standard output", "job", "export", "-")
	b.write(t, "file", "old", 0o600)
	b.want(t, 2, "cannot make the directory", "job", "export", "file")
	b.want(t, 2, "is a directory of the agent", "job", "export", filepath.Join("data", "output"))
	b.mkdir(t, "dir")
	b.link(t, "dir", "link")
	b.want(t, 0, "", "job", "export", "link")
	b.wantKind(t, "link", fs.ModeSymlink)
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// want expects how a command ends, and part of what it says then.
func (b *bench) want(t *testing.T, code int, says string, args ...string) result {
	t.Helper()
	got := b.run(t, args...)
	if got.code != code || !strings.Contains(got.stderr, says) {
		t.Errorf("gustyctl %q ended with %d, want %d and %q; it said: %s",
			args, got.code, code, says, got.stderr)
	}
	return got
}

// shell runs a script with gustyctl as $0 and args as its arguments.
func (b *bench) shell(t *testing.T, script string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	defer cancel()
	args = append([]string{"-c", "umask 022; " + script, b.control}, args...)
	command := exec.CommandContext(ctx, "/bin/sh", args...)
	like := b.command(ctx)
	command.Dir, command.Env = like.Dir, like.Env
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	return ended(t, command.Run(), &stdout, &stderr)
}

func (b *bench) wantFile(t *testing.T, name, begins string, perm fs.FileMode) {
	t.Helper()
	if got := b.read(t, b.path(name)); !strings.HasPrefix(string(got), begins) {
		t.Errorf("%q begins with %.40q, want %q", name, got, begins)
	}
	info, err := os.Lstat(b.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm() != perm {
		t.Errorf("%q has the mode %v, want %v", name, info.Mode(), perm)
	}
}

func (b *bench) wantKind(t *testing.T, name string, kind fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(b.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&kind == 0 {
		t.Errorf("%s is %v now", name, info.Mode())
	}
}

// wantNothingLeft expects so many names in the directory: no temporary file among them.
func (b *bench) wantNothingLeft(t *testing.T, names int) {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != names {
		t.Errorf("there are %v, want %d names", entries, names)
	}
}

func (b *bench) read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (b *bench) write(t *testing.T, name, text string, perm fs.FileMode) {
	t.Helper()
	path := b.path(name)
	err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, perm))
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(b.path(name), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, b.path(name)); err != nil {
		t.Fatal(err)
	}
}
