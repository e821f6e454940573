package persistence

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// FuzzReadBackup: no archive makes the reader panic, and one that it takes holds what its manifest
// says.
func FuzzReadBackup(f *testing.F) {
	dir := f.TempDir()
	s := openStore(f, dir)
	storeRunWithOutput(f, s, 1, "job")
	archive := backup(f, s)
	f.Add(uint32(0), []byte{1}, uint32(0))
	f.Add(uint32(124), []byte("7777777"), uint32(0))
	f.Add(uint32(600), []byte{9, 9}, uint32(100_000))
	f.Fuzz(func(_ *testing.T, at uint32, patch []byte, cut uint32) {
		altered := bytes.Clone(archive[:len(archive)-int(cut)%len(archive)])
		copy(altered[int(at)%len(altered):], patch)
		_ = discardBackup(altered)
	})
}

// FuzzRecover: no file makes the recovery panic, and what it makes of one is whole.
func FuzzRecover(f *testing.F) {
	dir := f.TempDir()
	fillStore(f, dir)
	kek, err := keyring.ReadKeyFile(filepath.Join(dir, datadir.KeyName))
	if err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{1}, uint32(0))
	f.Add(uint32(4096+32), []byte{9, 9}, uint32(100_000))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		altered := bytes.Clone(file[:len(file)-int(cut)%len(file)])
		copy(altered[int(at)%len(altered):], patch)
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		if err := os.WriteFile(from, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		o := RecoverOptions{}
		if _, err := o.rebuild(from, to, kek); err != nil {
			return
		}
		if err := verify.VerifyFile(to, kek); err != nil {
			t.Error(err)
		}
	})
}
