package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// checkFilled opens a store that fillStore made and looks into it.
func checkFilled(t *testing.T, o Options) {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if job, err := s.Job("job number 30"); err != nil ||
		string(job.Content) != string(testJob("job number 30").Content) {
		t.Errorf("%+v, %v", job, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKeyMovesFromSourceToSource(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	defaults := Options{Dir: dir, getenv: environment()}
	secret := defaults
	secret.getenv = environment(keyring.PassphraseVariable,
		writeTemp(t, "secret", []byte("a long passphrase")))
	elsewhere := defaults
	elsewhere.KeyFile = filepath.Join(t.TempDir(), "made", "key")
	credential := defaults
	credential.getenv = environment(keyring.CredentialVariable,
		filepath.Dir(writeTemp(t, keyring.CredentialName, keyring.KeyText(keyring.Key{9}))))
	for _, step := range []struct {
		name     string
		from, to Options
		key      NewKey
		keeps    bool
	}{
		{"in place", defaults, defaults, NewKey{}, true},
		{"to a passphrase", defaults, secret, NewKey{Passphrase: "a long passphrase"}, true},
		{"to a file that is made", secret, elsewhere, NewKey{File: elsewhere.KeyFile}, false},
		{"in place elsewhere", elsewhere, elsewhere, NewKey{}, true},
		{"to a credential", elsewhere, credential, NewKey{File: filepath.Join(credential.getenv(keyring.CredentialVariable), keyring.CredentialName)}, false},
		{"back", credential, defaults, NewKey{File: filepath.Join(dir, datadir.KeyName)}, false},
	} {
		kept, err := ChangeKey(step.from, step.key)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if _, err := os.Stat(kept); (kept != "") != step.keeps || kept != "" && err != nil {
			t.Errorf("%s: kept %q, %v", step.name, kept, err)
		}
		if kept != "" { // two in one second have the same name
			if err := os.Remove(kept); err != nil {
				t.Error(err)
			}
		}
		checkFilled(t, step.to)
	}
}

func TestOldKeyOpensNothingAnyMore(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	kept, err := ChangeKey(Options{Dir: dir}, NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	if err := openClose(t, Options{Dir: dir, KeyFile: kept}); !errors.Is(err, format.ErrWrongKey) {
		t.Errorf("got %v", err)
	}
}

func TestKeyChangeIsRefused(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	credential := environment(keyring.CredentialVariable,
		filepath.Dir(writeTemp(t, keyring.CredentialName,
			mustRead(t, filepath.Join(dir, datadir.KeyName)))))
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(filepath.Join(dir, datadir.KeyName), alias); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		o  Options
		to NewKey
	}{
		"in that file already":  {Options{Dir: dir, KeyFile: filepath.Join(dir, datadir.KeyName)}, NewKey{File: filepath.Join(dir, datadir.KeyName)}},
		"name no new file":      {Options{Dir: dir}, NewKey{File: alias}},
		"shorter than 12 bytes": {Options{Dir: dir}, NewKey{Passphrase: "short"}},
		"say where the new one": {Options{Dir: dir, getenv: credential}, NewKey{}},
		"holds no key":          {Options{Dir: dir}, NewKey{File: writeTemp(t, "none", []byte("hello"))}},
		"is another one":        {Options{Dir: dir, KeyFile: writeTemp(t, "wrong", keyring.KeyText(keyring.Key{1}))}, NewKey{}},
	} {
		if _, err := ChangeKey(c.o, c.to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
		checkFilled(t, Options{Dir: dir})
	}
	s := openStore(t, dir)
	var inUse *datadir.InUseError
	if _, err := ChangeKey(Options{Dir: dir}, NewKey{}); !errors.As(err, &inUse) {
		t.Errorf("with the agent running: %v", err)
	}
	commit(t, s, messages.SettingRow{Name: "a", Value: []byte("b")})
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeyChangeCutShort: of the key file and the database one is always changed before the other.
func TestKeyChangeCutShort(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	path := filepath.Join(dir, datadir.KeyName)
	o := Options{Dir: dir}
	o.setDefaults()
	h, err := verify.HeaderOf(o.databaseFile())
	if err != nil {
		t.Fatal(err)
	}
	old, err := keyring.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.PrepareKeyFile(path, keyring.Key{5}); err != nil {
		t.Fatal(err)
	}
	checkFilled(t, o)
	h.WrapWith(keyring.Key{5})
	if err := rewrapFile(o.databaseFile(), &h, old, keyring.Key{5}); err != nil {
		t.Fatal(err)
	}
	checkFilled(t, o)
	if k, err := keyring.ReadKeyFile(path); err != nil || k != (keyring.Key{5}) {
		t.Errorf("the new key did not take the old one's place (%v)", err)
	}
	if kept, err := filepath.Glob(path + ".old-*"); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
}
