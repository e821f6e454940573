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
)

// environment returns a getenv of pairs of name and value.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// writeTemp makes a file with text and returns its path.
func writeTemp(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openClose(t *testing.T, o Options) error {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestKeySourcesInOrder(t *testing.T) {
	kek, err := keyring.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Dir(writeTemp(t, keyring.CredentialName, keyring.KeyText(kek)))
	file, secret := writeTemp(t, "file", keyring.KeyText(keyring.Key{7})), writeTemp(t, "secret",
		[]byte("a long passphrase\nnot this\n"))
	all := []string{keyring.CredentialVariable, credentials, keyring.PassphraseVariable, secret}
	ask := func(bool) (messages.Secret, error) { return "asked", nil }
	for name, c := range map[string]struct {
		o    keyring.SourceOptions
		kind byte
		want string
	}{
		"flag":                  {keyring.SourceOptions{KeyFile: file, Getenv: environment(all...)}, 0, "(--key-file)"},
		"credential":            {keyring.SourceOptions{Getenv: environment(all...)}, 0, "(a systemd credential)"},
		"no such credential":    {keyring.SourceOptions{Getenv: environment(keyring.CredentialVariable, t.TempDir(), keyring.PassphraseVariable, secret)}, 0, keyring.PassphraseVariable},
		"passphrase file":       {keyring.SourceOptions{Getenv: environment(all[2:]...)}, 0, keyring.PassphraseVariable},
		"asked at first start":  {keyring.SourceOptions{Passphrase: true, Ask: ask, Getenv: environment()}, 0, "that passphrase"},
		"asked for what is":     {keyring.SourceOptions{Ask: ask, Getenv: environment()}, keyring.KekPassphrase, "that passphrase"},
		"not asked for a file":  {keyring.SourceOptions{Dir: "/data", Ask: ask, Getenv: environment()}, keyring.KekFile, "/data/key"},
		"the default":           {keyring.SourceOptions{Dir: "/data", Getenv: environment()}, 0, "/data/key"},
		"credential of another": {keyring.SourceOptions{KeyFile: file, Getenv: environment(all[:2]...)}, keyring.KekPassphrase, file},
	} {
		if got, err := keyring.FindSource(&c.o, c.kind); err != nil ||
			!strings.Contains(got.String(), c.want) {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestPassphraseStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	secret := writeTemp(t, "secret", []byte("a long passphrase\n"))
	with := func(pairs ...string) Options {
		return Options{Dir: dir, getenv: environment(pairs...)}
	}
	for range 2 {
		if err := openClose(t, with(keyring.PassphraseVariable, secret)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.KeyName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file was made (%v)", err)
	}
	asked := with()
	asked.AskPassphrase = func(isNew bool) (messages.Secret, error) {
		if isNew {
			t.Error("asked as for a new one")
		}
		return "a long passphrase", nil
	}
	if err := openClose(t, asked); err != nil {
		t.Errorf("asked: %v", err)
	}
	before, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName))
	if err != nil {
		t.Fatal(err)
	}
	file := with()
	file.KeyFile = writeTemp(t, "key", keyring.KeyText(keyring.Key{1}))
	for want, o := range map[string]Options{
		"is another one":   with(keyring.PassphraseVariable, writeTemp(t, "wrong", []byte("another passphrase"))),
		"there is nobody":  with(),
		"is empty":         with(keyring.PassphraseVariable, writeTemp(t, "empty", nil)),
		"no passphrase at": with(keyring.PassphraseVariable, filepath.Join(dir, "none")),
		"it needs a passphrase, and the key in " + file.KeyFile: file,
	} {
		err := openClose(t, o)
		if !errors.Is(err, format.ErrWrongKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName)); err != nil ||
		string(after) != string(before) {
		t.Errorf("the database was changed (%v)", err)
	}
}

func TestShortPassphraseIsNotSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	err := openClose(t, Options{
		Dir:    dir,
		getenv: environment(keyring.PassphraseVariable, writeTemp(t, "secret", []byte("short"))),
	})
	if err == nil || !strings.Contains(err.Error(), "shorter than 12 bytes") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.DatabaseName)); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("a database was made (%v)", err)
	}
}

func TestPassphraseForAFileKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := openClose(t, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	secret := writeTemp(t, "secret", []byte("a long passphrase"))
	err := openClose(t, Options{Dir: dir, getenv: environment(keyring.PassphraseVariable, secret)})
	if !errors.Is(err, format.ErrWrongKey) ||
		!strings.Contains(err.Error(), "it needs a key file or "+
			"credential") {
		t.Errorf("got %v", err)
	}
}

func TestPassphraseStoreStartsEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o := Options{
		Dir: dir,
		getenv: environment(keyring.PassphraseVariable,
			writeTemp(t, "secret", []byte("a long passphrase"))),
	}
	if err := openClose(t, o); err != nil {
		t.Fatal(err)
	}
	flipHeaders(t, dir)
	if err := openClose(t, o); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("damaged: got %v", err)
	}
	o.StartEmpty = true
	if err := openClose(t, o); err != nil {
		t.Error(err)
	}
}

func TestStretchingIsBound(t *testing.T) {
	h, err := keyring.NewHeader(keyring.KekPassphrase, testRun(0, "", "").DueAt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keyring.ParseHeader(h.Marshal()); err != nil || got != h {
		t.Errorf("got %+v, %v; want %+v", got, err, h)
	}
	for name, s := range map[string]keyring.Stretching{
		"memory": {MemoryKiB: keyring.MaxStretchMemoryKiB + 1, Passes: 1, Lanes: 1}, "passes": {MemoryKiB: 64, Passes: 1 << 30, Lanes: 1},
		"no lanes": {MemoryKiB: 64, Passes: 1}, "too little": {MemoryKiB: 8, Passes: 1, Lanes: 2},
	} {
		h.Stretching = s
		if _, err := keyring.ParseHeader(h.Marshal()); !errors.Is(err, keyring.ErrHeaderForm) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
