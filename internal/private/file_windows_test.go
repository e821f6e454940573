package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewFilesAreClosed(t *testing.T) {
	dir := t.TempDir()
	for name, flag := range map[string]int{
		"exclusive": os.O_CREATE | os.O_EXCL | os.O_WRONLY,
		"database":  os.O_CREATE | os.O_RDWR,
		"cut":       os.O_CREATE | os.O_TRUNC | os.O_WRONLY,
		"log":       os.O_CREATE | os.O_APPEND | os.O_WRONLY,
	} {
		path := filepath.Join(dir, name)
		writeTo(t, path, flag, "text")
		expectClosed(t, path)
		expectText(t, path, "text")
	}
	f, err := CreateTemp(dir, ".key.*.tmp")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(f.Name())
	if !strings.HasPrefix(name, ".key.") || !strings.HasSuffix(name, ".tmp") || len(name) < 20 {
		t.Errorf("the name %s has not the form of its pattern", name)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	expectClosed(t, f.Name())
}

// What is there already is closed before it is used, and its content is what the flags say.
func TestExistingFilesAreClosed(t *testing.T) {
	for name, c := range map[string]struct {
		flag int
		want string
	}{
		"written over": {os.O_CREATE | os.O_WRONLY, "newret"},
		"cut":          {os.O_CREATE | os.O_TRUNC | os.O_WRONLY, "new"},
		"appended to":  {os.O_CREATE | os.O_APPEND | os.O_WRONLY, "secretnew"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(openDir(t), "key")
			writeTo(t, path, c.flag, "new")
			expectClosed(t, path)
			expectText(t, path, c.want)
		})
	}
}

func TestOpenFileKeepsItsPromises(t *testing.T) {
	path := filepath.Join(openDir(t), "key")
	if _, err := OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); !errors.Is(
		err,
		fs.ErrExist,
	) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	if _, err := OpenFile(path+".missing", os.O_RDWR, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	if _, err := OpenFile(filepath.Join(path, "below"), os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		t.Error("a file was made below a file")
	}
}

func TestCheckNamesWhoCanRead(t *testing.T) {
	path := filepath.Join(openDir(t), "key")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Check(f); err == nil || !strings.Contains(err.Error(), sidEveryone) ||
		!strings.Contains(err.Error(), "icacls") {
		t.Errorf("error %v, want a refusal with its cure", err)
	}
	writeTo(t, path, os.O_CREATE|os.O_WRONLY, "")
	if err := Check(f); err != nil {
		t.Errorf("a closed file: %v", err)
	}
}

func writeTo(t *testing.T, path string, flag int, text string) {
	t.Helper()
	f, err := OpenFile(path, flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func expectText(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, error %v, want %q", path, got, err, want)
	}
}
