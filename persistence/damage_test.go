package persistence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gusty/messages"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// fillStore makes a store with something in every bucket that is used, and closes it.
func fillStore(t testing.TB, dir string) {
	t.Helper()
	s := openStore(t, dir)
	for n := range 60 {
		name := fmt.Sprint("job number ", n)
		run := testRun(n, name, messages.RunRunning)
		run.Output.Inline = []messages.OutputChunk{{
			Stream: messages.Stdout,
			Data:   []byte("secret-output of " + name),
		}}
		commit(t, s, messages.JobRow{Job: testJob(name)}, messages.RunRow{Run: run})
		run.State = messages.RunSucceeded
		commit(t, s, messages.RunRow{Run: run}, messages.DocumentRow{Document: messages.Document{Class: messages.DocumentHealth, ID: run.ID, Body: []byte(`"secret-document"`)}})
	}
	for n := range 10 {
		commit(t, s, messages.JobGone{Name: fmt.Sprint("job number ", n)})
		refused := messages.DocumentKey{Class: messages.DocumentHealth, Sequence: uint64(n) + 1}
		commit(t, s, messages.DocumentRefused{
			Key:    refused,
			Status: 400,
			Reason: "secret-reason",
			At:     queueTime(n),
		})
	}
	fillOutbox(t, s, 0, messages.DocumentLog, messages.DocumentOutput, messages.DocumentNotice)
	commit(t, s,
		messages.UserRow{User: messages.User{
			Name:   "secret-user",
			Hash:   "$2a$10$secret-hash",
			Scopes: messages.AllScopes(),
		}},
		messages.ParameterRow{Name: messages.ParamEndpoint, Local: "https://secret-endpoint"}, messages.SettingRow{Name: "secret-setting", Value: []byte("x")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// content reads all that a store serves, as text.
func content(s *Store) (string, error) {
	var all strings.Builder
	encoder := json.NewEncoder(&all)
	var errs []error
	_, err := s.LoadJobs(func(h messages.JobHead) error {
		job, err := s.Job(h.Name)
		return errors.Join(err, encoder.Encode(h), encoder.Encode(job))
	})
	errs = append(errs, err)
	_, err = s.LoadUsers(func(u messages.User) error { return encoder.Encode(u) })
	errs = append(errs, err)
	_, err = s.LoadParameters(func(p messages.StoredParameter) error { return encoder.Encode(p) })
	errs = append(errs, err)
	for _, q := range []messages.RunQuery{{Limit: 1000}, {
		Limit: 1000,
		State: messages.RunSucceeded,
	}, {Limit: 1000, ScriptName: "job number 30"}} {
		page, err := s.Runs(q)
		errs = append(errs, err, encoder.Encode(page))
	}
	errs = append(errs, s.Documents(0, func(d messages.Document) (bool, error) {
		return true, encoder.Encode(d)
	}))
	dead, err := s.Dead("", 1000)
	errs = append(errs, err, encoder.Encode(dead))
	standing, err := s.Outbox()
	errs = append(errs, err, encoder.Encode(standing))
	return all.String(), errors.Join(errs...)
}

// damageCase is a store to damage, in memory.
type damageCase struct {
	dir, path string
	file      []byte
	want      string
}

func newDamageCase(t *testing.T) *damageCase {
	t.Helper()
	d := &damageCase{dir: t.TempDir()}
	d.path = filepath.Join(d.dir, datadir.DatabaseName)
	fillStore(t, d.dir)
	s := openStore(t, d.dir)
	var err error
	if d.want, err = content(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d.file, err = os.ReadFile(d.path); err != nil {
		t.Fatal(err)
	}
	return d
}

// Check opens a damaged file: it must be refused, or serve exactly what was stored. It reports
// whether it was refused.
func (d *damageCase) Check(t *testing.T, what string, file []byte) (refused bool) {
	t.Helper()
	if err := os.WriteFile(d.path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: d.dir, Build: testBuild()})
	if err != nil {
		if !errors.Is(err, format.ErrDamaged) && !errors.Is(err, boltfile.ErrForeign) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := os.ReadFile(d.path); !bytes.Equal(after, file) {
			t.Errorf("%s: the refused file was changed", what)
		}
		return true
	}
	got, err := content(s)
	if err != nil || got != d.want {
		t.Errorf("%s: served as good (%v), with other content", what, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return false
}

// DamageVariable is the environment variable that says how many bits are flipped; at 2,000 and
// more, the file is also cut at every page.
const DamageVariable = "GUSTY_DAMAGE_CASES"

// damageCases returns how many bits are flipped, and whether no page is left out elsewhere.
func damageCases(t *testing.T) (count int, all bool) {
	t.Helper()
	value := os.Getenv(DamageVariable)
	switch {
	case value == "" && testing.Short():
		return 50, false
	case value == "":
		return 300, false
	}
	count, err := strconv.Atoi(value)
	if err != nil || count < 1 {
		t.Fatalf("%s is %q, not a number of cases", DamageVariable, value)
	}
	return count, count >= 2000
}

func TestFlippedBits(t *testing.T) {
	d := newDamageCase(t)
	count, _ := damageCases(t)
	random := rand.New(rand.NewPCG(1, 2))
	used := usedPages(t, d.file)
	refused := 0
	for range count {
		file := bytes.Clone(d.file)
		at, bit := used[random.IntN(len(used))]*4096+random.IntN(4096), random.IntN(8)
		file[at] ^= 1 << bit
		if d.Check(t, fmt.Sprintf("bit %d of byte %d", bit, at), file) {
			refused++
		}
	}
	t.Logf("%d of %d flips were refused, the others were harmless", refused, count)
	if refused < count/5 {
		t.Errorf("only %d of %d flips were noticed", refused, count)
	}
}

// usedPages lists the pages that a file's newest transaction is made of; a flip in another page
// changes nothing.
func usedPages(t *testing.T, file []byte) (used []int) {
	t.Helper()
	m, err := boltfile.ChooseMeta(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	v := &verify.Verifier{
		Pages:   boltfile.NewPageFile(bytes.NewReader(file), m),
		Buckets: map[string]verify.BucketValue{},
	}
	err = v.Pages.Walk(m.Root, v.AddBucket)
	for _, bucket := range v.Buckets {
		if bucket.Inline == nil {
			err = errors.Join(err, v.Pages.Walk(bucket.Root, func(boltfile.Leaf) error {
				return nil
			}))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	used = []int{0, 1, int(m.Freelist)}
	for id := 2; id < int(m.Pages); id++ {
		if v.Pages.Seen[id/64]&(1<<(id%64)) != 0 {
			used = append(used, id)
		}
	}
	return used
}

func TestFlippedMeta(t *testing.T) {
	d := newDamageCase(t)
	for _, page := range []int{0, 4096} {
		for at := range 80 {
			file := bytes.Clone(d.file)
			file[page+at] ^= 1 << (at % 8)
			d.Check(t, fmt.Sprint("byte ", page+at), file)
		}
	}
}

// TestDestroyedMeta: with a meta page gone, nothing tells that the other one is the newer.
func TestDestroyedMeta(t *testing.T) {
	d := newDamageCase(t)
	for _, page := range []int{0, 4096} {
		file := bytes.Clone(d.file)
		clear(file[page : page+512])
		if !d.Check(t, fmt.Sprint("page ", page), file) {
			t.Errorf("a file without meta page %d was taken", page/4096)
		}
	}
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

func TestTruncatedAtEveryPage(t *testing.T) {
	d := newDamageCase(t)
	var pages int
	for at := 0; at < len(d.file); at += 4096 {
		if !allZero(d.file[at : at+4096]) {
			pages = at/4096 + 1
		}
	}
	step := 1 + pages/60
	if _, all := damageCases(t); all {
		step = 1
	}
	for page := 0; page < pages; page += step {
		if !d.Check(t, fmt.Sprint("page ", page), d.file[:page*4096]) {
			t.Errorf("a file of %d pages was taken", page)
		}
	}
}

func TestDuplicatedPages(t *testing.T) {
	d := newDamageCase(t)
	random := rand.New(rand.NewPCG(3, 4))
	count, _ := damageCases(t)
	for range count / 7 {
		from, to := random.IntN(62), random.IntN(62)
		file := bytes.Clone(d.file)
		copy(file[to*4096:(to+1)*4096], d.file[from*4096:])
		d.Check(t, fmt.Sprintf("page %d over %d", from, to), file)
	}
}

// TestATornMetaPageIsNoDamage: what was being written when the power failed was never acknowledged.
func TestATornMetaPageIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	path := filepath.Join(dir, datadir.DatabaseName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older := 0
	first, second, _ := boltfile.ReadMetas(bytes.NewReader(file), int64(len(file)))
	a, _ := boltfile.ParseMeta(first)
	if b, _ := boltfile.ParseMeta(second); b.Tx < a.Tx {
		older = 4096
	}
	newest := 4096 - older
	copy(file[older+boltfile.PageHeaderBytes+16:older+boltfile.PageHeaderBytes+40],
		file[newest+boltfile.PageHeaderBytes+20:])
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
}

// TestSwappedValues swaps two values of one length where they lie in the file, as one without the
// key can.
func TestSwappedValues(t *testing.T) {
	d := newDamageCase(t)
	m, err := boltfile.ChooseMeta(bytes.NewReader(d.file), int64(len(d.file)))
	if err != nil {
		t.Fatal(err)
	}
	v := &verify.Verifier{
		Pages:   boltfile.NewPageFile(bytes.NewReader(d.file), m),
		Buckets: map[string]verify.BucketValue{},
	}
	if err := v.Pages.Walk(m.Root, v.AddBucket); err != nil {
		t.Fatal(err)
	}
	places := map[int][]int{} // of values, by length
	for _, b := range []format.BucketID{
		format.BucketJobs, format.BucketRuns,
		format.BucketJobStates, format.BucketOutbox,
	} {
		err := v.Take(b.String(), func(e boltfile.Leaf) error {
			if at := bytes.Index(d.file, e.Value); at >= 0 {
				places[len(e.Value)] = append(places[len(e.Value)], at)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	swaps := 0
	for size, at := range places {
		for i := 1; i < len(at) && i < 20; i++ {
			file := bytes.Clone(d.file)
			copy(file[at[i-1]:], d.file[at[i]:at[i]+size])
			copy(file[at[i]:], d.file[at[i-1]:at[i-1]+size])
			swaps++
			d.Check(t, fmt.Sprintf("the values at %d and %d", at[i-1], at[i]), file)
		}
	}
	if swaps < 20 {
		t.Errorf("only %d pairs were found", swaps)
	}
}

// TestDamageUnderAnOpenStore alters a row when the file has been verified and is in use: it is
// refused and never served.
func TestDamageUnderAnOpenStore(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	s := openStore(t, dir)
	key := s.ring.Hide(keyring.NameOfJob, "job number 30")
	path := filepath.Join(dir, datadir.DatabaseName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; {
		next := bytes.Index(file[at:], key[:])
		if next < 0 {
			break
		}
		at += next + format.NameKeyBytes
		if !bytes.HasPrefix(file[at:], []byte{0, 0, 0, 1}) {
			// the version of the data key: no value begins here
			continue
		}
		if _, err := f.WriteAt([]byte{file[at+20] ^ 1}, int64(at+20)); err != nil {
			// behind key version and nonce: the ciphertext
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if job, err := s.Job("job number 30"); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("got %+v, %v", job, err)
	}
	if _, err := s.Job("job number 31"); err != nil {
		t.Errorf("another row: %v", err)
	}
}

func TestNothingIsReadable(t *testing.T) {
	dir := t.TempDir()
	fillStore(t, dir)
	s := openStore(t, dir)
	o := s.NewOutput(testRunID(1), 1<<20)
	if err := o.Write(messages.Stdout, bytes.Repeat([]byte("secret-output "), 1000),
		testRun(1, "", "").DueAt); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		file, err := os.ReadFile(path)
		for _, secret := range []string{
			// Each is so long that chance does not write it into a megabyte of ciphertext.
			"secret", "job number", "Admin", "echo secret",
			"opensearch_domain", "log_level", "server_port", "*/5 * * * *", "index-of-jobs",
			"$2a$10$",
		} {
			if bytes.Contains(file, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
