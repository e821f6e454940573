package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// fillForRotation returns a store that is open, with rows in every bucket, of which there are more
// than one transaction seals, and output files.
func fillForRotation(t testing.TB, dir string) *Store {
	t.Helper()
	fillStore(t, dir)
	s := openStore(t, dir)
	for n := 100; n < 104; n++ {
		o := s.NewOutput(testRunID(n), 16<<10)
		for range 3 {
			if err := o.Write(messages.Stdout, killedOutput(n),
				time.Unix(1_800_000_000, 0)); err != nil {
				t.Fatal(err)
			}
		}
		summary, err := o.Close()
		if err != nil {
			t.Fatal(err)
		}
		run := testRun(n, "long", messages.RunSucceeded)
		run.Output = summary
		commit(t, s, messages.RunRow{Run: run})
	}
	for n := range 4 {
		var rows []messages.Row
		for i := range 200 {
			rows = append(rows, messages.SettingRow{
				Name:  fmt.Sprint("filler ", n*200+i),
				Value: bytes.Repeat([]byte("x"), 100),
			})
		}
		commit(t, s, rows...)
	}
	return s
}

// awaitRotation commits until the rotation is as is wants it, and returns how many commits there
// were.
func awaitRotation(t testing.TB, s *Store, is func(messages.KeyRotation) bool) (commits int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		k, err := s.KeyRotation()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("still %+v, %v", k, err)
		}
		if is(k) {
			return commits
		}
		commit(t, s, messages.SettingRow{Name: "meanwhile", Value: fmt.Append(nil, commits)})
		commits++
	}
}

func isIdle(k messages.KeyRotation) bool { return k.State == messages.RotationIdle }

// checkVersions wants every sealed row and every output file to be sealed with one version, the
// only one that the file has.
func checkVersions(t testing.TB, s *Store, want uint32) {
	t.Helper()
	_, err := s.view(func(r *reader) error {
		for b := range format.BucketCount {
			if b.IsOrder() {
				continue
			}
			c := r.bucket(b).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if got := binary.BigEndian.Uint32(v); got != want {
					return fmt.Errorf("a row of %s is sealed with version %d", b, got)
				}
			}
		}
		if got := r.keyVersions(); len(got) != 1 || got[0] != want {
			return fmt.Errorf("the file has the keys %v", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(s.output)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d output files, %v", len(files), err)
	}
	for _, f := range files {
		if got, err := segmentVersion(filepath.Join(s.output, f.Name())); err != nil ||
			got != want {
			t.Errorf("%s is sealed with version %d, %v", f.Name(), got, err)
		}
	}
}

// checkLongOutput reads the output of those runs of fillForRotation.
func checkLongOutput(t *testing.T, s *Store, runs ...int) {
	t.Helper()
	for _, n := range runs {
		text, _ := readOutput(t, s, n)
		if out := text[messages.Stdout]; len(out) < 12<<10 ||
			!strings.HasPrefix(out, fmt.Sprintf("%d\n%d\n", n, n)) {
			t.Errorf("run %d: %d bytes of output", n, len(out))
		}
	}
}

func TestRotationSealsEverythingAnew(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	for version := uint32(2); version < 5; version++ {
		if err := s.RotateKey(); err != nil {
			t.Fatal(err)
		}
		if err := s.RotateKey(); messages.CodeOf(err) != messages.CodeConflict {
			t.Errorf("a second one at a time: got %v", err)
		}
		if n := awaitRotation(t, s, isIdle); n == 0 {
			t.Error("nothing was committed meanwhile")
		}
		checkVersions(t, s, version)
		checkLongOutput(t, s, 100, 101, 102, 103)
		s = reopen(t, s) // which verifies the digests
		checkLongOutput(t, s, 100, 101, 102, 103)
		checkCounted(t, s)
	}
	if _, err := os.Stat(s.output + resealSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the files beside are still there (%v)", err)
	}
}

func TestUsedDataKeyIsReplacedByItself(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	err := s.do(&task{apply: func(w *writer) error {
		w.ledger.Seals = rotateAfterSeals - 5
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	awaitRotation(t, s, func(k messages.KeyRotation) bool { return k.KeyVersion == 2 && isIdle(k) })
	checkVersions(t, s, 2)
	if k, err := s.KeyRotation(); err != nil || k.Seals == 0 || k.Seals > 1<<20 {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestUsedUpDataKeySealsNothing(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), rotateAfter: ^uint64(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.do(&task{apply: func(w *writer) error {
		w.ledger.Seals = maxSeals
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	if c := try(s, messages.SettingRow{Name: "a", Value: []byte("b")}); c.Err == nil {
		t.Error("a used up key sealed a row")
	}
	if err := s.RotateKey(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, messages.SettingRow{Name: "a", Value: []byte("b")})
}

func TestLostSealsAreCounted(t *testing.T) {
	s := openStore(t, t.TempDir())
	before, err := s.KeyRotation()
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	err = s.do(&task{apply: func(w *writer) error {
		return errors.Join(w.Put(format.BucketSettings, []byte("k"), []byte("r")), refused)
	}})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	commit(t, s, messages.SettingRow{Name: "a", Value: []byte("b")})
	if after, err := s.KeyRotation(); err != nil || after.Seals != before.Seals+3 {
		t.Errorf("%d seals, then %d (%v)", before.Seals, after.Seals, err)
	}
}

// TestRotationWaitsForWhoStillPrints: a run that began before the new key goes on writing its files
// with the old one.
func TestRotationWaitsForWhoStillPrints(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	o := s.NewOutput(testRunID(1000), 1<<20)
	at := time.Unix(1_800_000_000, 0)
	before, after := strings.Repeat("before ", 20_000), strings.Repeat("after ", 20_000)
	printTo(t, o, messages.Stdout, before, at)
	if err := s.RotateKey(); err != nil {
		t.Fatal(err)
	}
	awaitRotation(t, s, func(k messages.KeyRotation) bool {
		return k.State == messages.RotationOfOutput
	})
	printTo(t, o, messages.Stdout, after, at)
	run := testRun(1000, "prints", messages.RunSucceeded)
	run.Output = closeOutput(t, o)
	commit(t, s, messages.RunRow{Run: run})
	awaitRotation(t, s, func(k messages.KeyRotation) bool { s.rotator.wake(); return isIdle(k) })
	checkVersions(t, s, 2)
	s = reopen(t, s)
	if text, _ := readOutput(t, s, 1000); text[messages.Stdout] != before+after {
		t.Errorf("%d bytes of output", len(text[messages.Stdout]))
	}
}

func TestDamagedOutputKeepsItsKey(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	path := filepath.Join(s.output, testRunID(101)+".0")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)/2] ^= 1
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.RotateKey(); err != nil {
		t.Fatal(err)
	}
	awaitRotation(t, s, func(k messages.KeyRotation) bool { return k.LastError != "" })
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, file) {
		t.Errorf("the damaged file was changed (%v)", err)
	}
	s = reopen(t, s)
	if k, err := s.KeyRotation(); err != nil || k.State != messages.RotationOfOutput {
		t.Errorf("%+v, %v", k, err)
	}
	checkLongOutput(t, s, 100, 102, 103)
}

// TestRotationOnAFullDisk: what can't be written waits, and nothing is lost.
func TestRotationOnAFullDisk(t *testing.T) {
	s := fillForRotation(t, t.TempDir())
	full := true // of one goroutine, the committer's
	err := s.do(&task{apply: func(w *writer) error {
		s.commit = func(tx *bolt.Tx) error {
			if full {
				return errors.Join(datadir.ErrNoSpace, tx.Rollback())
			}
			return tx.Commit()
		}
		return errNothingOld
	}})
	if !errors.Is(err, errNothingOld) {
		t.Fatal(err)
	}
	if err := s.RotateKey(); messages.CodeOf(err) != messages.CodeStorageFull {
		t.Fatalf("got %v", err)
	}
	if err := s.do(&task{apply: func(*writer) error {
		full = false
		return errNothingOld
	}}); !errors.Is(err, errNothingOld) {
		t.Fatal(err)
	}
	if err := s.RotateKey(); err != nil {
		t.Fatal(err)
	}
	awaitRotation(t, s, isIdle)
	checkVersions(t, s, 2)
}
