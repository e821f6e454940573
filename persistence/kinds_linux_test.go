package persistence

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gusty/internal/atomicfile"
	"gusty/persistence/internal/keyring"
)

// What has a name of the store's and is no regular file is left alone, and nothing waits for it.
func TestStoreUsesRegularFilesAlone(t *testing.T) {
	for _, name := range []string{
		"gusty.db", "gusty.db.new", "gusty.db.compacting", "key", "key.new", "lock", "generation",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Dir: dir})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is a named pipe") {
			t.Errorf("%s: got %v", name, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
			t.Errorf("%s is %v now, %v", name, info, err)
		}
	}
}

// A link where the store begins a file anew would lead a key or rows into another file.
func TestStoreBeginsNothingThroughALink(t *testing.T) {
	for _, name := range []string{"gusty.db.new", "gusty.db.compacting", "key.new", "lock"} {
		dir := t.TempDir()
		precious := filepath.Join(t.TempDir(), "precious")
		err := errors.Join(os.WriteFile(precious, []byte("old"), 0o600),
			os.Symlink(precious, filepath.Join(dir, name)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Dir: dir})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: it opened", name)
		}
		if text, err := os.ReadFile(precious); err != nil || string(text) != "old" {
			t.Errorf("%s: the other file holds %q, %v", name, text, err)
		}
	}
}

// A key file that is a link stays one: the new key goes to where it leads.
func TestKeyChangesBehindALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	link, real := filepath.Join(dir, "key"), filepath.Join(elsewhere, "gusty.key")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir) // makes the key at the link's end
	before, err := os.ReadFile(real)
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	kept, err := ChangeKey(Options{Dir: dir}, NewKey{})
	if err != nil || filepath.Dir(kept) != elsewhere {
		t.Fatalf("the old key is kept in %q, %v", kept, err)
	}
	old, err := os.ReadFile(kept)
	if err != nil || string(old) != string(before) {
		t.Errorf("what is kept is not the old key: %v", err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if err := openStore(t, dir).Close(); err != nil {
		t.Error(err)
	}
}

func TestNewKeyGoesToARegularFile(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, filepath.Dir(pipe)} {
		if _, err := ChangeKey(Options{Dir: dir}, NewKey{File: name}); err == nil {
			t.Errorf("a key went to %s", name)
		}
	}
	_, err := keyring.ReadKeyFile(pipe)
	if _, refused := errors.AsType[*atomicfile.RefusedError](err); !refused {
		t.Errorf("got %v, want a refusal", err)
	}
	if err := openStore(t, dir).Close(); err != nil {
		t.Errorf("the store opens with the old key no more: %v", err)
	}
}
