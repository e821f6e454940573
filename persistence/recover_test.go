package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/salvage"
)

// recoverFrom damages the store of the case and recovers it.
func (d *damageCase) recoverFrom(t *testing.T, file []byte) (Recovered, error) {
	t.Helper()
	kept, err := filepath.Glob(d.path + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range kept {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(d.path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Recover(RecoverOptions{Dir: d.dir})
	if err != nil {
		return done, err
	}
	if kept, err := os.ReadFile(done.Kept); err != nil || !bytes.Equal(kept, file) {
		t.Errorf("the damaged file was not kept as it was: %v", err)
	}
	return done, nil
}

// requireTrue opens what was recovered: every row must be one that was stored, and none may be
// missing silently.
func (d *damageCase) requireTrue(t *testing.T, what string, done Recovered) {
	t.Helper()
	s := openStore(t, d.dir)
	jobs := uint64(0)
	_, err := s.LoadJobs(func(h messages.JobHead) error {
		jobs++
		if job, err := s.Job(h.Name); err != nil || !reflect.DeepEqual(job, testJob(h.Name)) {
			t.Errorf("%s: the job %q is not what was stored: %v", what, h.Name, err)
		}
		var n int
		if _, err := fmt.Sscanf(h.Name, "job number %d", &n); err != nil || n < 10 &&
			!slices.Contains(done.Strays, "job "+h.Name) {
			t.Errorf("%s: %q had been deleted, and comes back without a word (%v)", what, h.Name,
				err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if _, err := content(s); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if got := bucketOf(t, done, format.BucketJobs); got.Found != jobs || got.Lost >= 0 && got.Found+
		uint64(got.Lost) < 50 {
		t.Errorf("%s: %d jobs, and the report says %+v", what, jobs, got)
	}
	commit(t, s, messages.JobRow{Job: testJob("another")},
		messages.RunRow{Run: testRun(1000, "another", messages.RunSucceeded)})
	if err := reopen(t, s).Close(); err != nil {
		t.Error(err)
	}
}

func bucketOf(t *testing.T, done Recovered, b format.BucketID) RecoveredBucket {
	t.Helper()
	for _, r := range done.Buckets {
		if r.Name == b.String() {
			return r
		}
	}
	t.Fatalf("the report has no %s", b)
	return RecoveredBucket{}
}

// TestRecover flips bits in many pages at once.
func TestRecover(t *testing.T) {
	d := newDamageCase(t)
	random := rand.New(rand.NewPCG(7, 8))
	used := usedPages(t, d.file)
	recovered := 0
	for n := range 60 {
		file := bytes.Clone(d.file)
		for range 1 + n/4 {
			at := used[random.IntN(len(used))]*4096 + random.IntN(4096)
			file[at] ^= 1 << random.IntN(8)
		}
		done, err := d.recoverFrom(t, file)
		what := fmt.Sprint("case ", n)
		switch {
		case err == nil:
			recovered++
			d.requireTrue(t, what, done)
		case !errors.Is(err, ErrWhole):
			t.Logf("%s: %v", what, err)
		}
	}
	if recovered < 40 {
		t.Errorf("only %d of 60 were recovered", recovered)
	}
}

// TestRecoverNamesWhatIsLost destroys the page of one job.
func TestRecoverNamesWhatIsLost(t *testing.T) {
	d := newDamageCase(t)
	file := bytes.Clone(d.file)
	s := openStore(t, d.dir)
	key := s.ring.Hide(keyring.NameOfJob, "job number 30")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	spoiled := 0
	for _, page := range usedPages(t, file) {
		p := file[page*4096 : (page+1)*4096]
		if at := bytes.Index(p, key[:]); at >= 0 && bytes.Contains(p[at:], key[:]) {
			var end int
			if end = at + format.NameKeyBytes + 60; end < len(p) {
				p[end] ^= 1 // inside of the value behind the key
				spoiled++
			}
		}
	}
	done, err := d.recoverFrom(t, file)
	if err != nil {
		t.Fatal(err)
	}
	lost := bucketOf(t, done, format.BucketJobs)
	if spoiled == 0 || lost.Lost != 1 || !slices.Equal(lost.Names, []string{"job number 30"}) {
		t.Errorf("%d pages were spoiled: %+v", spoiled, done)
	}
	d.requireTrue(t, "one job", done)
}

func TestRecoverOfParts(t *testing.T) {
	d := newDamageCase(t)
	m, err := boltfile.ChooseMeta(bytes.NewReader(d.file), int64(len(d.file)))
	if err != nil {
		t.Fatal(err)
	}
	erase := func(pages ...uint64) []byte {
		file := bytes.Clone(d.file)
		for _, page := range pages {
			clear(file[page*4096 : (page+1)*4096])
		}
		return file
	}
	const half = "half of it"
	for name, file := range map[string][]byte{
		"one meta page": erase(0), "the other": erase(1), "both": erase(0, 1), "the root": erase(m.Root), "the list of free pages": erase(m.Freelist),
		"root and free pages": erase(m.Root, m.Freelist), half: d.file[:m.Pages*4096/2], "the end": d.file[:(m.Pages-1)*4096],
	} {
		done, err := d.recoverFrom(t, file)
		if err != nil {
			if t.Log(err); name != half { // there may be no page with the keys in it
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		d.requireTrue(t, name, done)
		jobs := bucketOf(t, done, format.BucketJobs)
		t.Logf("%s: %d jobs found, %d lost, %d of them from stray pages", name, jobs.Found,
			jobs.Lost, jobs.Stray)
	}
}

func TestNothingToRecover(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	if _, err := Recover(RecoverOptions{Dir: dir}); !errors.Is(err, ErrWhole) {
		t.Errorf("a whole database: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, datadir.KeyName), keyring.KeyText(keyring.Key{1}),
		0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(RecoverOptions{Dir: dir}); !errors.Is(err, format.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	path := filepath.Join(dir, datadir.DatabaseName)
	for name, content := range map[string]string{
		"foreign": strings.Repeat("hello ", 9999),
		"short":   "x",
		"empty":   "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Recover(RecoverOptions{Dir: dir}); err == nil {
			t.Errorf("%s: something was recovered", name)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: it was changed (%v)", name, err)
		}
	}
	if _, err := Recover(RecoverOptions{Dir: t.TempDir()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestRecoverInAChild(t *testing.T) {
	d := newDamageCase(t)
	t.Setenv("GUSTY_TEST_CHILD", "salvage")
	file := bytes.Clone(d.file)
	m, err := boltfile.ChooseMeta(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	clear(file[m.Freelist*4096 : (m.Freelist+1)*4096])
	if err := os.WriteFile(d.path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Recover(RecoverOptions{Dir: d.dir, Read: salvage.SpawnSalvager(os.Args[0])})
	if err != nil || done.Broken != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if jobs := bucketOf(t, done, format.BucketJobs); jobs.Found != 50 || jobs.Lost != 0 {
		t.Errorf("%+v", jobs)
	}
	s := openStore(t, d.dir)
	if got, err := content(s); err != nil || got != d.want {
		t.Errorf("with nothing lost, the content is another (%v)", err)
	}
}
