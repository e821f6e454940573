//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestResolve(t *testing.T) {
	t.Chdir(t.TempDir())
	makeTree(t)
	for _, c := range []struct{ name, path, refused string }{
		{"file", "file", ""},
		{"new", "new", ""},
		{"./new", "new", ""},
		{"dir/new", "dir/new", ""},
		{"tofile", "file", ""},
		{"twice", "file", ""},
		{"tonew", "dir/new", ""},
		{"todeep/../new", "dir/new", ""}, // out of where the link leads to
		{"dir/deep/../../file", "file", ""},
		{"../" + filepath.Base(cwd(t)) + "/file", "../" + filepath.Base(cwd(t)) + "/file", ""},
		{"dir/.", "dir", ""},
		{"loop", "", "loop"},
		{"dir/", "", "names a directory"},
		{"", "", "is no name of a file"},
		{"a\x00b", "", "is no name of a file"},
	} {
		place, err := Resolve(c.name)
		refused, isRefused := errors.AsType[*RefusedError](err)
		switch {
		case c.refused == "" && (err != nil || place.Path != c.path || place.Descriptor != -1):
			t.Errorf("%q: %+v, %v; want %q", c.name, place, err, c.path)
		case c.refused != "" && (!isRefused || !strings.Contains(refused.Error(), c.refused)):
			t.Errorf("%q: %+v, %v; want a refusal: %s", c.name, place, err, c.refused)
		}
	}
	for _, name := range []string{"none/new", "lost"} {
		if _, err := Resolve(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want fs.ErrNotExist", name, err)
		}
	}
}

func makeTree(t *testing.T) {
	t.Helper()
	err := errors.Join(os.MkdirAll("dir/deep", 0o700), os.WriteFile("file", nil, 0o600))
	for name, to := range map[string]string{
		"tofile": "file", "twice": "tofile", "tonew": "dir/new", "todeep": "dir/deep", "loop": "loop",
		"lost": "none/new",
	} {
		err = errors.Join(err, os.Symlink(to, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func cwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestResolveKnowsOpenFiles(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	fd := int(f.Fd())
	place, err := Resolve(fmt.Sprint("/proc/self/fd/", fd))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no /proc here")
	}
	if err != nil || place.Descriptor != fd {
		t.Errorf("it is %+v, %v; want descriptor %d", place, err, fd)
	}
}

func TestWriteKeepsLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	makeTree(t)
	for _, name := range []string{"twice", "tonew"} {
		if err := Write(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expectFile(t, "file", "x", 0o600)
	expectFile(t, "dir/new", "x", 0o600)
	if err := Remove("tonew"); err != nil {
		t.Error(err)
	}
	if err := Remove("tonew"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	for _, name := range []string{"twice", "tofile", "tonew"} {
		if info, err := os.Lstat(name); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", name, info, err)
		}
	}
}

func TestPlaceWithoutLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"first", "second"} {
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := placeReserved("first", "key"); err != nil {
		t.Error(err)
	}
	if err := placeReserved("second", "key"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	expectFile(t, "key", "first", 0o600)
	expectFile(t, "second", "second", 0o600)
}

func TestWriteReplacesNothingButFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("x"), 0o600); err == nil ||
		!strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("error %v, want a refusal", err)
	}
	if _, err := ReadRegular(path); err == nil || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("error %v, want a refusal to read", err)
	}
	if err := Remove(path); err == nil {
		t.Error("a pipe was removed")
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is gone: %v, %v", info, err)
	}
	expectOnly(t, dir, "pipe")
}
