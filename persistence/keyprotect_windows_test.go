package persistence

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/keyring"
)

// A key file of an earlier version, protected without entropy, opens, and the start writes it anew.
func TestKeyFileOfAnEarlierVersionIsProtectedAnew(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "data")}
	if err := openClose(t, o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, datadir.KeyName)
	k, err := keyring.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, protectPlainly(t, keyring.KeyText(k)), 0o600); err != nil {
		t.Fatal(err)
	}
	if old, err := keyring.ReadKeyFile(path); err != nil || old != k {
		t.Fatalf("the earlier form does not open: %v", err)
	}
	for range 2 { // the second time nothing is left to do
		if err := openClose(t, o); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil ||
			!strings.HasPrefix(string(text), keyring.ProtectedPrefix) {
			t.Errorf("the key file begins %.14q, error %v", text, err)
		}
		if now, err := keyring.ReadKeyFile(path); err != nil || now != k {
			t.Errorf("another key than before, error %v", err)
		}
	}
}

// What is protected with entropy does not open without it.
func TestKeyFileNeedsItsEntropy(t *testing.T) {
	text, err := keyring.Protect([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.TrimPrefix(string(text), keyring.ProtectedPrefix)
	if _, err := keyring.Unprotect([]byte(keyring.PlainPrefix + digits)); err == nil {
		t.Error("it opens without entropy")
	}
	if opened, err := keyring.Unprotect(text); err != nil || string(opened) != "text" {
		t.Errorf("opened %q, error %v", opened, err)
	}
}

// protectPlainly is what an earlier version wrote.
func protectPlainly(t *testing.T, text []byte) []byte {
	t.Helper()
	in, out := keyring.BlobOf(text), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, keyring.DpapiFlags,
		&out); err != nil {
		t.Fatal(err)
	}
	sealed, err := keyring.Take(out)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(keyring.PlainPrefix + hex.EncodeToString(sealed) + "\n")
}
