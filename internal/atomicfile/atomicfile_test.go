package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWriteReplacesContentAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for _, step := range []struct {
		data string
		perm fs.FileMode
	}{{"first, which is the longer one", 0o600}, {"second", 0o644}, {"", 0o400}} {
		if err := Write(path, []byte(step.data), step.perm); err != nil {
			t.Fatal(err)
		}
		expectFile(t, path, step.data, step.perm)
	}
	expectOnly(t, filepath.Dir(path), "key")
}

func TestWriteNewKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := WriteNew(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(path, []byte("second"), 0o644); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want fs.ErrExist", err)
	}
	expectFile(t, path, "first", 0o600)
	expectOnly(t, filepath.Dir(path), "key")
}

func TestWriteNewHasOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var winners atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := WriteNew(path, []byte(strconv.Itoa(i)), 0o600); err == nil {
				winners.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := winners.Load(); n != 1 {
		t.Errorf("%d callers wrote the file, want 1", n)
	}
	expectOnly(t, filepath.Dir(path), "key")
}

// A reader that opens the path at any moment finds one of the two contents, whole.
func TestWriteIsNeverSeenInPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<10)}
	if err := Write(path, contents[0], 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			if err := Write(path, contents[i%2], 0o600); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, contents[0]) &&
			!bytes.Equal(got, contents[1]) {
			t.Fatalf("read %d bytes, error %v: neither content", len(got), err)
		}
	}
}

func TestWriteFailsWithoutTrace(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "directory")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, []byte("x"), 0o600); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if err := Write(filepath.Join(dir, "missing", "file"), []byte("x"), 0o600); !errors.Is(err,
		fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	expectOnly(t, dir, "directory")
}

func TestWriteTakesARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("plain", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	expectFile(t, "plain", "x", 0o600)
}

func expectFile(t *testing.T, path, content string, perm fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != content {
		t.Errorf("%s holds %q, want %q", path, got, content)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Separator == '/' && info.Mode().Perm() != perm {
		t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), perm)
	}
}

// expectOnly fails where dir holds anything but name: a temporary file was left behind.
func expectOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
