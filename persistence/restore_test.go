package persistence

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// named makes a store whose one setting is its name, with a run that has output, and gives its
// archive.
func named(t testing.TB, name string) (dir string, archive []byte) {
	t.Helper()
	dir = t.TempDir()
	s := openStore(t, dir)
	commit(t, s, messages.SettingRow{Name: "name", Value: []byte(name)})
	storeRunWithOutput(t, s, 1, name)
	archive = backup(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, archive
}

func requireNamed(t testing.TB, dir, name string) {
	t.Helper()
	s := openStore(t, dir)
	if value, err := s.Setting("name"); err != nil || string(value) != name {
		t.Errorf("the store is %q (%v), want %q", value, err, name)
	}
	requireOutput(t, s, 1)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestRestoreKeepsWhatWasThere(t *testing.T) {
	from, archive := named(t, "from")
	to, _ := named(t, "to")
	done, err := Restore(RestoreOptions{
		Dir:        to,
		KeyFile:    filepath.Join(from, datadir.KeyName),
		InstallKey: true,
	}, bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Kept) != 4 || done.Manifest.Files[0].Name != datadir.DatabaseName {
		t.Errorf("%+v", done)
	}
	requireNamed(t, to, "from")
	for _, kept := range done.Kept { // and back
		suffix := filepath.Ext(kept)
		name := kept[:len(kept)-len(suffix)]
		if err := errors.Join(os.RemoveAll(name), os.Rename(kept, name)); err != nil {
			t.Fatal(err)
		}
	}
	requireNamed(t, to, "to")
}

func TestRestoreReplacesNothingThatIsNotVerified(t *testing.T) {
	from, archive := named(t, "from")
	altered := bytes.Clone(archive)
	altered[len(altered)/3] ^= 1
	to, _ := named(t, "to")
	open := openStore(t, from)
	for name, c := range map[string]struct {
		options RestoreOptions
		archive []byte
		want    error
	}{
		"another key": {RestoreOptions{Dir: to}, archive, format.ErrWrongKey},
		"no key":      {RestoreOptions{Dir: filepath.Join(to, "new")}, archive, format.ErrWrongKey},
		"cut short":   {RestoreOptions{Dir: to, KeyFile: filepath.Join(from, datadir.KeyName)}, archive[:len(archive)/2], ErrBackup},
		"altered":     {RestoreOptions{Dir: to, KeyFile: filepath.Join(from, datadir.KeyName)}, altered, ErrBackup},
		"none at all": {RestoreOptions{Dir: to, KeyFile: filepath.Join(from, datadir.KeyName)}, []byte("hello"), ErrBackup},
		"empty":       {RestoreOptions{Dir: to, KeyFile: filepath.Join(from, datadir.KeyName)}, nil, ErrBackup},
		"in use":      {RestoreOptions{Dir: from}, archive, &datadir.InUseError{Dir: from, PID: os.Getpid()}},
	} {
		_, err := Restore(c.options, bytes.NewReader(c.archive))
		var inUse *datadir.InUseError
		if !errors.Is(err, c.want) && (!errors.As(c.want, &inUse) || !errors.As(err, &inUse)) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(to, "*.*")); len(left) != 1 {
			t.Errorf("%s: it left %v", name, left)
		}
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	requireNamed(t, to, "to")
}

// TestRestoreOfAForgedArchive: a manifest that fits is easily made for other files; what they hold
// must open with the key nevertheless.
func TestRestoreOfAForgedArchive(t *testing.T) {
	from, _ := named(t, "from")
	s := openStore(t, from)
	segment := filepath.Join(from, datadir.OutputName, testRunID(1)+".0")
	content, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(segment, content, 0o600); err != nil {
		t.Fatal(err)
	}
	archive := backup(t, s)
	to := t.TempDir()
	if _, err := Restore(RestoreOptions{
		Dir:     to,
		KeyFile: filepath.Join(from, datadir.KeyName),
	}, bytes.NewReader(archive)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// TestRestoreCutOff stops the replacing after each of its steps, and opens the store, or has
// something else done to it first.
func TestRestoreCutOff(t *testing.T) {
	for name, first := range map[string]func(dir string) error{
		"nothing":    func(string) error { return nil },
		"compaction": func(dir string) error { _, err := Compact(Options{Dir: dir}, nil); return err },
		"new key":    func(dir string) error { _, err := ChangeKey(Options{Dir: dir}, NewKey{}); return err },
	} {
		t.Run(name, func(t *testing.T) { checkRestoreCutOff(t, first) })
	}
}

func checkRestoreCutOff(t *testing.T, first func(dir string) error) {
	const suffix = ".replaced-20260102T030405Z"
	moves := func(dir string) (all [][2]string) {
		ready := filepath.Join(dir, datadir.SwapReady+suffix)
		for _, name := range datadir.Swapped() {
			all = append(all,
				[2]string{filepath.Join(dir, name), filepath.Join(dir, name) + suffix},
				[2]string{filepath.Join(ready, name), filepath.Join(dir, name)})
		}
		return all
	}
	for steps := range 9 {
		from, _ := named(t, "from")
		to, _ := named(t, "to")
		ready := filepath.Join(to, datadir.SwapReady+suffix)
		if err := os.CopyFS(ready, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(ready, datadir.LockName)); err != nil {
			t.Fatal(err)
		}
		for _, m := range moves(to)[:steps] {
			if err := os.Rename(m[0], m[1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := first(to); err != nil {
			t.Errorf("after step %d: %v", steps, err)
		}
		requireNamed(t, to, "from")
		if left, _ := filepath.Glob(filepath.Join(to, "swap*")); len(left) != 0 {
			t.Errorf("after step %d: %v", steps, left)
		}
		if kept, _ := filepath.Glob(filepath.Join(to, "*"+suffix)); len(kept) != 4 {
			t.Errorf("after step %d: kept %v", steps, kept)
		}
	}
}

// TestRestoreCutOffBeforeItCounts: what was being unpacked goes, and the store is the old one.
func TestRestoreCutOffBeforeItCounts(t *testing.T) {
	from, _ := named(t, "from")
	to, _ := named(t, "to")
	if err := os.CopyFS(filepath.Join(to, datadir.SwapUnfinished), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	requireNamed(t, to, "to")
	if _, err := os.Stat(filepath.Join(to, datadir.SwapUnfinished)); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestASwapTakesNoNameThatIsTaken(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1, 0)
	for _, name := range []string{datadir.DatabaseName, datadir.OutputName} {
		first, err := datadir.FreeSuffix(dir, "replaced", now)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+first), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, _ := filepath.Glob(filepath.Join(dir, "*.replaced-*")); len(all) != 2 ||
		filepath.Ext(all[0]) == filepath.Ext(all[1]) {
		t.Errorf("got %v", all)
	}
}
