package persistence

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	if !s.Fresh() {
		t.Error("a store that was just made is not fresh")
	}
	for name, mode := range map[string]os.FileMode{
		"":                   0o700,
		datadir.KeyName:      0o600,
		datadir.DatabaseName: 0o600,
		datadir.OutputName:   0o700,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v; want %v", name, info, err, mode)
		}
	}
	rows := map[string]messages.StoredParameter{}
	if _, err := s.LoadParameters(func(p messages.StoredParameter) error {
		rows[p.Name] = p
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range messages.Parameters() {
		if got := rows[p.Name]; got.Global != p.Default || got.Local != "" ||
			got.CanModify != p.CanModify {
			t.Errorf("seeded %+v for %s", got, p.Name)
		}
	}
	if s = reopen(t, s); s.Fresh() {
		t.Error("a store that was there is fresh")
	}
}

func TestSecondAgentIsToldWhoHoldsTheDirectory(t *testing.T) {
	dir := t.TempDir()
	openStore(t, dir)
	_, err := Open(Options{Dir: dir})
	var inUse *datadir.InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("the sentence %q does not name the holder", err)
	}
}

func TestKeyAndDatabaseBelongTogether(t *testing.T) {
	read := func(t *testing.T, path string) []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(t *testing.T, path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	other, err := keyring.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, database, key string)
		want error
	}{
		"another key":         {func(t *testing.T, _, key string) { write(t, key, keyring.KeyText(other)) }, format.ErrWrongKey},
		"no key in the file":  {func(t *testing.T, _, key string) { write(t, key, []byte("hello")) }, format.ErrWrongKey},
		"database alone":      {func(t *testing.T, _, key string) { remove(t, key) }, format.ErrWrongKey},
		"key alone":           {func(t *testing.T, db, _ string) { remove(t, db) }, format.ErrKeyWithoutDatabase},
		"empty database":      {func(t *testing.T, db, _ string) { write(t, db, nil) }, format.ErrDamaged},
		"something else":      {func(t *testing.T, db, _ string) { write(t, db, []byte(strings.Repeat("SQLite format 3", 999))) }, boltfile.ErrForeign},
		"truncated":           {func(t *testing.T, db, _ string) { write(t, db, read(t, db)[:5*4096]) }, format.ErrDamaged},
		"truncated to a page": {func(t *testing.T, db, _ string) { write(t, db, read(t, db)[:4096]) }, format.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			database, key := filepath.Join(dir, datadir.DatabaseName), filepath.Join(dir,
				datadir.KeyName)
			if err := openStore(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			c.harm(t, database, key)
			before, _ := os.ReadFile(database)
			_, err := Open(Options{Dir: dir})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a sentence: %q", err)
			}
			if after, _ := os.ReadFile(database); string(after) != string(before) {
				t.Error("the database was changed")
			}
		})
	}
}

func TestStartEmptyMovesDamageAside(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, datadir.DatabaseName)
	if err := os.Truncate(database, 8192); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir, StartEmpty: true})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Fresh() {
		t.Error("the new store is not fresh")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	aside, err := filepath.Glob(database + ".damaged-*")
	if err != nil || len(aside) != 1 {
		t.Fatalf("aside: %v, %v", aside, err)
	}
	openStore(t, dir)
}

func TestStartEmptyMovesAsideWhatIsNoDatabaseAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		database string
		noKey    bool
	}{
		"its beginning is zeros":            {database: strings.Repeat("\x00", 8*4096)},
		"something else":                    {database: strings.Repeat("SQLite format 3", 999)},
		"no header can be read, and no key": {noKey: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			database := filepath.Join(dir, datadir.DatabaseName)
			if err := errors.Join(openStore(t, dir).Close(),
				os.WriteFile(database, []byte(c.database), 0o600)); err != nil {
				t.Fatal(err)
			}
			if c.noKey {
				if err := os.Remove(filepath.Join(dir, datadir.KeyName)); err != nil {
					t.Fatal(err)
				}
			}
			err := openClose(t, Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), "--start-empty") ||
				!strings.Contains(err.Error(), "gustyctl recover") {
				t.Errorf("the ways out are not told: %v", err)
			}
			if err := openClose(t, Options{Dir: dir, StartEmpty: true}); err != nil {
				t.Fatal(err)
			}
			aside, err := filepath.Glob(database + ".damaged-*")
			if err != nil || len(aside) != 1 || string(mustRead(t, aside[0])) != c.database {
				t.Errorf("aside: %v, %v", aside, err)
			}
		})
	}
}

// Two databases that are damaged within one second go aside under two names.
func TestStartEmptyFindsAFreeName(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
	now := time.Now()
	for n := range 3 {
		if err := errors.Join(os.WriteFile(o.databaseFile(), []byte{byte(n)}, 0o600),
			os.MkdirAll(o.outputDir(), 0o700), moveAside(&o, now)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{datadir.DatabaseName, datadir.OutputName} {
		if aside, err := filepath.Glob(filepath.Join(dir, name+".damaged-*")); err != nil ||
			len(aside) != 3 {
			t.Errorf("aside: %v, %v", aside, err)
		}
	}
}

func TestFirstStartCutShortIsFinished(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, datadir.DatabaseName)
	if err := os.Rename(database, database+datadir.Unfinished); err != nil {
		t.Fatal(err)
	}
	if s := openStore(t, dir); !s.Fresh() {
		t.Error("a finished first start is not fresh")
	}
}

func TestProvidedKeyBeginsAnEmptyDirectory(t *testing.T) {
	kek, err := keyring.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(keyFile, kek[:], 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, made := range []string{"tls", "lost+found"} {
		if err := os.Mkdir(filepath.Join(dir, made), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(Options{Dir: dir, KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, datadir.DatabaseName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{
		Dir:     dir,
		KeyFile: keyFile,
	}); !errors.Is(err, format.ErrKeyWithoutDatabase) {
		t.Errorf("after the loss of its database: %v", err)
	}
}

func TestBuildIsKeptTrue(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	newer := messages.Build{Version: "2.0.0", Date: "2027-01-01T00:00:00Z"}
	s, err := Open(Options{Dir: dir, Build: newer})
	if err != nil {
		t.Fatal(err)
	}
	differs := true
	if _, err := s.view(func(r *reader) (err error) {
		differs, err = r.versionDiffers(newer)
		return err
	}); err != nil || differs {
		t.Errorf("the stored build is another one (%v)", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestExistingMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Open(Options{Dir: dir, Existing: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made (%v)", err)
	}
	openStore(t, dir)
}
