package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// Where keys, formats and generations meet backups and recovery.

func TestRestoreOfAnOlderState(t *testing.T) {
	dir, archive := named(t, "older")
	s := openStore(t, dir)
	commit(t, s, messages.SettingRow{Name: "name", Value: []byte("newer")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(RestoreOptions{Dir: dir}, bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	requireNamed(t, dir, "older")
	if kept := filepath.Join(dir, datadir.GenerationName) +
		filepath.Ext(done.Kept[0]); !strings.Contains(fmt.Sprint(done.Kept), kept) {
		t.Errorf("%s is not among %v", kept, done.Kept)
	}
}

func TestRestoreWithAPassphrase(t *testing.T) {
	from, _ := named(t, "from")
	if _, err := ChangeKey(Options{Dir: from},
		NewKey{Passphrase: "a long passphrase"}); err != nil {
		t.Fatal(err)
	}
	t.Setenv(keyring.PassphraseVariable, writeTemp(t, "secret", []byte("a long passphrase")))
	s := openStore(t, from)
	archive := backup(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "to")
	if _, err := Restore(RestoreOptions{Dir: to}, bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	requireNamed(t, to, "from")
	t.Setenv(keyring.PassphraseVariable, writeTemp(t, "secret", []byte("another passphrase")))
	if _, err := Restore(RestoreOptions{Dir: filepath.Join(t.TempDir(), "to")},
		bytes.NewReader(archive)); !errors.Is(err, format.ErrWrongKey) {
		t.Errorf("got %v", err)
	}
}

// TestBackupsDuringRotations: each file of a backup opens with a key that is in its database.
func TestBackupsDuringRotations(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	key := filepath.Join(filepath.Dir(s.output), datadir.KeyName)
	for n := range 12 {
		for err := s.RotateKey(); err != nil; err = s.RotateKey() {
			if code := messages.CodeOf(err); code != messages.CodeConflict &&
				code != messages.CodeBusy {
				t.Fatal(err)
			}
			commit(t, s, messages.SettingRow{Name: "meanwhile", Value: fmt.Append(nil, n)})
		}
		storeRunWithOutput(t, s, 2000+n, "run")
		to := filepath.Join(t.TempDir(), "to")
		if _, err := Restore(RestoreOptions{
			Dir:        to,
			KeyFile:    key,
			InstallKey: true,
		}, bytes.NewReader(backup(t, s))); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		restored := openStore(t, to)
		requireOutput(t, restored, 2000+n)
		if err := restored.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// damageFreelist makes a database damaged without losing a row.
func damageFreelist(t *testing.T, path string) {
	t.Helper()
	file := mustRead(t, path)
	m, err := boltfile.ChooseMeta(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	clear(file[m.Freelist*uint64(m.PageSize) : (m.Freelist+1)*uint64(m.PageSize)])
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecoverInARotation(t *testing.T) {
	dir := t.TempDir()
	s := fillForRotation(t, dir)
	err := s.do(&task{apply: func(w *writer) error { // a rotation that is cut short after some rows
		version, err := w.beginRotation(s.now())
		if err == nil {
			err = w.reseal(40)
		}
		s.ring.MakeCurrent(version)
		return err
	}})
	if err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	damageFreelist(t, filepath.Join(dir, datadir.DatabaseName))
	if _, err := Recover(RecoverOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	checkLongOutput(t, s, 100, 101, 102, 103)
	awaitRotation(t, s, isIdle)
	checkVersions(t, s, 2)
	if err := reopen(t, s).Close(); err != nil {
		t.Error(err)
	}
}

func TestRecoverWithAPassphrase(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, dir string){
		"header whole": func(t *testing.T, dir string) { damageFreelist(t, filepath.Join(dir, datadir.DatabaseName)) },
		"header on an older page alone": func(t *testing.T, dir string) {
			path := filepath.Join(dir, datadir.DatabaseName)
			file := mustRead(t, path)
			clear(file[:2*os.Getpagesize()]) // no meta page, so nothing leads to the newest
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		dir := t.TempDir()
		fillStore(t, dir)
		if _, err := ChangeKey(Options{Dir: dir},
			NewKey{Passphrase: "a long passphrase"}); err != nil {
			t.Fatal(err)
		}
		t.Setenv(keyring.PassphraseVariable, writeTemp(t, "secret", []byte("a long passphrase")))
		harm(t, dir)
		if _, err := Recover(RecoverOptions{Dir: dir}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkFilled(t, Options{Dir: dir})
		if err := os.Unsetenv(keyring.PassphraseVariable); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecoverOfAnEarlierFormat(t *testing.T) {
	dir := storedFormat(t, 1)
	damageFreelist(t, filepath.Join(dir, datadir.DatabaseName))
	if _, err := Recover(RecoverOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	checkStoredRows(t, openThen(t, dir))
}

// TestSealsAreUnknownAfterALostLedger: a new data key takes over at once.
func TestSealsAreUnknownAfterALostLedger(t *testing.T) {
	dir := t.TempDir()
	if err := fillForRotation(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(format.NameLedger)).Delete([]byte(format.LedgerKey))
	})
	if _, err := Recover(RecoverOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	awaitRotation(t, s, func(k messages.KeyRotation) bool { return k.KeyVersion == 2 && isIdle(k) })
	checkLongOutput(t, s, 100, 101, 102, 103)
}
