package persistence

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// storedFormat unpacks the data directory that an earlier version left.
func storedFormat(t *testing.T, format int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	stored := filepath.Join("testdata", fmt.Sprint("format", format))
	if err := os.CopyFS(dir, os.DirFS(stored)); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join(stored, datadir.DatabaseName+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, datadir.DatabaseName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openThen opens a store of testdata at the time that its runs are of: later they would be too old
// to be kept.
func openThen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, now: func() time.Time {
		return time.UnixMilli(1_800_000_060_000)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestEveryEarlierFormatIsMigrated(t *testing.T) {
	for format := 1; format < keyring.FormatVersion; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			dir := storedFormat(t, format)
			before, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName))
			if err != nil {
				t.Fatal(err)
			}
			s := openThen(t, dir)
			checkStoredRows(t, s)
			commit(t, s, messages.SettingRow{Name: "new", Value: []byte("x")})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkStoredRows(t, openThen(t, dir))
			backups, err := filepath.Glob(filepath.Join(dir,
				fmt.Sprintf("%s.format%d-*", datadir.DatabaseName, format)))
			if err != nil || len(backups) != 1 {
				t.Fatalf("backups: %v, %v", backups, err)
			}
			if kept, err := os.ReadFile(backups[0]); err != nil || !bytes.Equal(kept, before) {
				t.Errorf("the backup is not what was there (%v)", err)
			}
			if h, err := verify.HeaderOf(filepath.Join(dir, datadir.DatabaseName)); err != nil ||
				h.Format != keyring.FormatVersion {
				t.Errorf("format %d, %v", h.Format, err)
			}
		})
	}
}

// checkStoredRows looks at what testdata/README.md lists.
func checkStoredRows(t *testing.T, s *Store) {
	t.Helper()
	jobs := 0
	if _, err := s.LoadJobs(func(messages.JobHead) error {
		jobs++
		return nil
	}); err != nil || jobs != 11 {
		t.Errorf("%d jobs, %v", jobs, err)
	}
	for n := range 14 {
		run, err := s.Run(testRunID(n))
		if err != nil || run.State != messages.RunSucceeded {
			t.Errorf("run %d: %+v, %v", n, run, err)
		}
	}
	job, err := s.Job("job number 5")
	if err != nil || job.Options.Environment["TOKEN"] != "secret-token 5" {
		t.Errorf("%+v, %v", job, err)
	}
	waiting := 0
	err = s.Documents(0, func(messages.Document) (bool, error) { waiting++; return true, nil })
	if o := outboxOf(t, s); err != nil || waiting == 0 || o.Waiting != uint64(waiting) ||
		o.Bytes == 0 {
		t.Errorf("%d documents can be shipped, %v; the outbox is %+v", waiting, err, o)
	}
	if _, keys := waitingNumbers(t, s); len(keys) != 12 || keys[0].Sequence != 1 ||
		keys[11].Sequence != 12 {
		t.Errorf("the documents are %v", keys)
	}
	checkOutbox(t, s)
	for n := 12; n < 14; n++ {
		text, _ := readOutput(t, s, n)
		if want := fmt.Sprintf("out 7 of run %d\n", n); !strings.HasSuffix(text[messages.Stdout],
			want) {
			t.Errorf("the output of run %d does not end with %q", n, want)
		}
	}
}

// checkOutbox compares what the ledger counts of the outbox with its rows.
func checkOutbox(t *testing.T, s *Store) {
	t.Helper()
	counted := format.Ledger{}
	rows := uint64(0)
	_, err := s.view(func(r *reader) error {
		return r.scan(format.BucketOutbox, func(key, record []byte) error {
			rows++
			return countDocument(&counted, key, record)
		})
	})
	o := outboxOf(t, s)
	if err != nil || o.Bytes != counted.OutboxBytes || o.DeadBytes != counted.DeadBytes ||
		o.Dead != counted.Dead || o.Waiting+o.Dead != rows {
		t.Errorf("%d rows, %+v counted as %+v, %v", rows, counted, o, err)
	}
}

func TestMigrationCutShortIsBegunAgain(t *testing.T) {
	dir := storedFormat(t, 1)
	o := Options{Dir: dir}
	o.setDefaults()
	errCut := errors.New("cut short")
	h, err := verify.HeaderOf(o.databaseFile())
	if err != nil {
		t.Fatal(err)
	}
	db, err := openDatabase(o.databaseFile())
	if err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.ReadKeyFile(filepath.Join(dir, datadir.KeyName))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return errors.Join(migrateStep(tx, &h, kek), errCut)
	})
	if !errors.Is(err, errCut) || db.Close() != nil {
		t.Fatal(err)
	}
	checkStoredRows(t, openThen(t, dir))
}

// A store of an earlier format has no rows of the parameters that came later. An export has all,
// and changes nothing where it comes from.
func TestExportOfAnEarlierStoreHasEveryParameter(t *testing.T) {
	s := openThen(t, storedFormat(t, 1))
	var items []messages.ImportItem
	values := map[string]string{}
	err := s.Export(table.ExportQuery{}, func(row table.TableRow) error {
		if r, ok := row.(table.ConfigRow); ok {
			if _, twice := values[r.Name]; twice {
				t.Errorf("%s comes twice", r.Name)
			}
			values[r.Name] = r.Global
			items = append(items, messages.ImportItem{Parameter: &messages.StoredParameter{
				Name: r.Name, Global: r.Global, Local: r.Local, CanModify: r.CanModify != 0,
			}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range messages.Parameters() {
		if value, there := values[p.Name]; !there || value != p.Default {
			t.Errorf("%s is %q (%t), want %q", p.Name, value, there, p.Default)
		}
	}
	plan, err := s.PlanImport(items)
	if err != nil || plan.Count()[messages.ImportUnchanged] != len(items) {
		t.Errorf("what it would change: %v, %v", plan.Count(), err)
	}
}
