package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gusty/messages"
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
	kek, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Dir(writeTemp(t, credentialName, keyText(kek)))
	file, secret := writeTemp(t, "file", keyText(Key{7})), writeTemp(t, "secret",
		[]byte("a long passphrase\nnot this\n"))
	all := []string{credentialVariable, credentials, passphraseVariable, secret}
	ask := func(bool) (messages.Secret, error) { return "asked", nil }
	for name, c := range map[string]struct {
		o    sourceOptions
		kind byte
		want string
	}{
		"flag":                  {sourceOptions{keyFile: file, getenv: environment(all...)}, 0, "(--key-file)"},
		"credential":            {sourceOptions{getenv: environment(all...)}, 0, "(a systemd credential)"},
		"no such credential":    {sourceOptions{getenv: environment(credentialVariable, t.TempDir(), passphraseVariable, secret)}, 0, passphraseVariable},
		"passphrase file":       {sourceOptions{getenv: environment(all[2:]...)}, 0, passphraseVariable},
		"asked at first start":  {sourceOptions{passphrase: true, ask: ask, getenv: environment()}, 0, "that passphrase"},
		"asked for what is":     {sourceOptions{ask: ask, getenv: environment()}, kekPassphrase, "that passphrase"},
		"not asked for a file":  {sourceOptions{dir: "/data", ask: ask, getenv: environment()}, kekFile, "/data/key"},
		"the default":           {sourceOptions{dir: "/data", getenv: environment()}, 0, "/data/key"},
		"credential of another": {sourceOptions{keyFile: file, getenv: environment(all[:2]...)}, kekPassphrase, file},
	} {
		if got, err := findSource(&c.o, c.kind); err != nil ||
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
		if err := openClose(t, with(passphraseVariable, secret)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, keyName)); !errors.Is(err, os.ErrNotExist) {
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
	before, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	file := with()
	file.KeyFile = writeTemp(t, "key", keyText(Key{1}))
	for want, o := range map[string]Options{
		"is another one":   with(passphraseVariable, writeTemp(t, "wrong", []byte("another passphrase"))),
		"there is nobody":  with(),
		"is empty":         with(passphraseVariable, writeTemp(t, "empty", nil)),
		"no passphrase at": with(passphraseVariable, filepath.Join(dir, "none")),
		"it needs a passphrase, and the key in " + file.KeyFile: file,
	} {
		err := openClose(t, o)
		if !errors.Is(err, ErrWrongKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, databaseName)); err != nil ||
		string(after) != string(before) {
		t.Errorf("the database was changed (%v)", err)
	}
}

func TestShortPassphraseIsNotSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	err := openClose(t, Options{
		Dir:    dir,
		getenv: environment(passphraseVariable, writeTemp(t, "secret", []byte("short"))),
	})
	if err == nil || !strings.Contains(err.Error(), "shorter than 12 bytes") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, databaseName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a database was made (%v)", err)
	}
}

func TestPassphraseForAFileKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := openClose(t, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	secret := writeTemp(t, "secret", []byte("a long passphrase"))
	err := openClose(t, Options{Dir: dir, getenv: environment(passphraseVariable, secret)})
	if !errors.Is(err, ErrWrongKey) || !strings.Contains(err.Error(), "it needs a key file or "+
		"credential") {
		t.Errorf("got %v", err)
	}
}

func TestPassphraseStoreStartsEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o := Options{
		Dir: dir,
		getenv: environment(passphraseVariable,
			writeTemp(t, "secret", []byte("a long passphrase"))),
	}
	if err := openClose(t, o); err != nil {
		t.Fatal(err)
	}
	flipHeaders(t, dir)
	if err := openClose(t, o); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: got %v", err)
	}
	o.StartEmpty = true
	if err := openClose(t, o); err != nil {
		t.Error(err)
	}
}

func TestStretchingIsBound(t *testing.T) {
	h, err := newHeader(kekPassphrase, testRun(0, "", "").DueAt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseHeader(h.marshal()); err != nil || got != h {
		t.Errorf("got %+v, %v; want %+v", got, err, h)
	}
	for name, s := range map[string]stretching{
		"memory": {memoryKiB: maxStretchMemoryKiB + 1, passes: 1, lanes: 1}, "passes": {memoryKiB: 64, passes: 1 << 30, lanes: 1},
		"no lanes": {memoryKiB: 64, passes: 1}, "too little": {memoryKiB: 8, passes: 1, lanes: 2},
	} {
		h.stretching = s
		if _, err := parseHeader(h.marshal()); !errors.Is(err, errHeaderForm) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
