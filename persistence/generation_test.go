package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// rolledBack makes a store, does more with it, and puts the file of before back.
func rolledBack(t *testing.T, o Options) {
	t.Helper()
	if err := openClose(t, o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, datadir.DatabaseName)
	before := mustRead(t, path)
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, messages.SettingRow{Name: "a", Value: []byte("b")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOlderCopyIsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"in the data directory": {Dir: t.TempDir()},
		"elsewhere":             {Dir: t.TempDir(), GenerationFile: filepath.Join(t.TempDir(), "elsewhere")},
	} {
		rolledBack(t, o)
		before := mustRead(t, filepath.Join(o.Dir, datadir.DatabaseName))
		if err := openClose(t, o); !errors.Is(err, format.ErrRolledBack) {
			t.Errorf("%s: got %v", name, err)
		}
		if string(mustRead(t, filepath.Join(o.Dir, datadir.DatabaseName))) != string(before) {
			t.Errorf("%s: the database was changed", name)
		}
		accepting := o
		accepting.AcceptRollback = true
		for _, o := range []Options{accepting, o} {
			if err := openClose(t, o); err != nil {
				t.Errorf("%s: accepting %v: %v", name, o.AcceptRollback, err)
			}
		}
	}
}

// TestWhatIsNoWitness: a file that can't be the database's own does not keep the store from
// opening, and is made anew.
func TestWhatIsNoWitness(t *testing.T) {
	other := t.TempDir()
	rolledBack(t, Options{Dir: other})
	for name, text := range map[string][]byte{
		"cut short": []byte("GUSTYGEN"), "forged": make([]byte, generationBytes), "another's": mustRead(t, filepath.Join(other, datadir.GenerationName)),
	} {
		o := Options{Dir: t.TempDir()}
		if err := openClose(t, o); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(o.Dir, datadir.GenerationName)
		own := mustRead(t, path)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openClose(t, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if string(mustRead(t, path)) != string(own) {
			t.Errorf("%s: the file was not made anew", name)
		}
	}
}

func TestGenerationOutlivesCompaction(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	if _, err := Compact(Options{Dir: dir}, nil); err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
}
