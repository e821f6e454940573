package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gusty/internal/atomicfile"
)

func TestFileIsReplacedByCommitAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	target := open(t, t.Context(), path, Options{})
	write(t, target, "new")
	expect(t, path, "old")
	if err := target.Discard(); err != nil {
		t.Error(err)
	}
	expect(t, path, "old")
	target = open(t, t.Context(), path, Options{})
	write(t, target, "new")
	if err := errors.Join(target.Commit(), target.Discard()); err != nil {
		t.Error(err)
	}
	expect(t, path, "new")
	expectNames(t, dir, 1)
}

func TestModes(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("there are no modes here")
	}
	for _, c := range []struct {
		old    fs.FileMode // 0: no file
		secret bool
		want   fs.FileMode
	}{{0, false, 0o600}, {0o644, false, 0o644}, {0o644, true, 0o600}, {0o600, false, 0o600}} {
		path := filepath.Join(t.TempDir(), "file")
		if c.old != 0 {
			if err := errors.Join(os.WriteFile(path, nil, c.old),
				os.Chmod(path, c.old)); err != nil {
				t.Fatal(err)
			}
		}
		target := open(t, t.Context(), path, Options{Secret: c.secret})
		if info, err := target.File().Stat(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("meanwhile it has the mode %v, %v", info.Mode(), err)
		}
		if err := target.Commit(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("%+v: it has the mode %v, %v", c, info.Mode(), err)
		}
	}
}

func TestWriteThatFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	target := open(t, t.Context(), path, Options{})
	if err := target.File().Close(); err != nil {
		t.Fatal(err)
	}
	_, err := target.Write([]byte("x"))
	failed, ok := errors.AsType[*WriteError](err)
	if !ok || failed.Name != path {
		t.Errorf("error %v, want a *WriteError of %s", err, path)
	}
	if err := target.Commit(); err == nil {
		t.Error("it is committed")
	}
	expectNames(t, filepath.Dir(path), 0)
}

func TestInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	ctx, cancel := context.WithCancel(t.Context())
	target := open(t, ctx, path, Options{})
	write(t, target, "part")
	cancel()
	if _, err := target.Write([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if err := target.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	expectNames(t, filepath.Dir(path), 0)
}

func TestNewAndSpared(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	target := open(t, t.Context(), path, Options{New: true})
	if err := os.WriteFile(path, []byte("gusty"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := target.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("one that came meanwhile: %v", err)
	}
	if _, err := Open(t.Context(), path, Options{New: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("one that is there: %v", err)
	}
	spare := func(f Found) error {
		return &atomicfile.RefusedError{Name: f.Path, Reason: string(f.Head)}
	}
	_, err := Open(t.Context(), path, Options{Spare: spare})
	if refused, ok := errors.AsType[*atomicfile.RefusedError](err); !ok ||
		refused.Reason != "gusty" {
		t.Errorf("one that is spared: %v", err)
	}
	expect(t, path, "gusty")
	expectNames(t, dir, 1)
}

func TestStandardOutput(t *testing.T) {
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdout.Close() }()
	target := open(t, t.Context(), StandardOutput, Options{Stdout: stdout})
	if !target.IsStream() || !target.ToStandardOutput() {
		t.Error("it is not taken for standard output")
	}
	write(t, target, "x")
	if err := target.Commit(); err != nil {
		t.Error(err)
	}
	if _, err := stdout.WriteString("y"); err != nil {
		t.Errorf("standard output itself is closed: %v", err)
	}
	expect(t, stdout.Name(), "xy")
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "outfile-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	target, err := Open(context.Background(), filepath.Join(dir, "report"),
		Options{Stdout: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := fmt.Fprintln(target, "all is well"); err != nil {
		fmt.Println(err, target.Discard())
		return
	}
	fmt.Println(target.Commit())
	// Output: <nil>
}

func open(t *testing.T, ctx context.Context, name string, o Options) *Target {
	t.Helper()
	target, err := Open(ctx, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func write(t *testing.T, target *Target, text string) {
	t.Helper()
	if _, err := target.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, content)
	}
}

func expectNames(t *testing.T, dir string, names int) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != names {
		t.Errorf("there are %v, %v; want %d names", entries, err, names)
	}
}
