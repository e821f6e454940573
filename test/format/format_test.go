package format

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence"
)

const (
	script     = "echo one\necho two\n"
	passphrase = "correct horse battery staple"
)

// writeStore makes a store with everything that the reader looks for.
func writeStore(t *testing.T, dir string) *persistence.Store {
	t.Helper()
	s, err := persistence.Open(persistence.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // it is closed by then, but where the test failed
	for n := range 300 {
		commit(t, s, messages.JobRow{Job: messages.Job{
			Name: fmt.Sprint("job ", n), Content: []byte(script), CronExpression: "@daily",
			Options: messages.DefaultJobOptions(),
		}})
	}
	run := messages.Run{
		ID:         runID(1),
		ScriptName: "job 1",
		Kind:       messages.RunOfJob,
		State:      messages.RunSucceeded,
		DueAt:      time.Now(),
	}
	out := s.NewOutput(run.ID, 32<<10)
	for i := range 4 {
		if err := out.Write(messages.Stdout, bytes.Repeat(fmt.Append(nil, "line ", i, "\n"), 4000),
			time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if run.Output, err = out.Close(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, messages.RunRow{Run: run})
	return s
}

// runID returns an id of the present, since old runs are trimmed.
func runID(n int) string {
	ms := time.Now().UnixMilli()
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n)
}

func commit(t *testing.T, s *persistence.Store, rows ...messages.Row) {
	t.Helper()
	done := make(chan messages.Committed, 1)
	s.Submit(messages.Change{Rows: rows}, func(c messages.Committed) { done <- c })
	if c := <-done; c.Err != nil {
		t.Fatal(c.Err)
	}
}

func TestStoreReadsByThePage(t *testing.T) {
	dir := t.TempDir()
	s := writeStore(t, dir)
	if err := s.RotateKey(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // in the middle of it, or not
		t.Fatal(err)
	}
	check(t, dir, "")
	if s, err := persistence.Open(persistence.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	} else if _, err := s.AwaitRotation(context.Background(), nil); err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	if r := check(t, dir, ""); len(r.keys) != 2 || len(r.keys[2]) != 32 {
		t.Errorf("there are %d keys after the rotation", len(r.keys))
	}
	if _, err := persistence.ChangeKey(persistence.Options{Dir: dir},
		persistence.NewKey{Passphrase: passphrase}); err != nil {
		t.Fatal(err)
	}
	check(t, dir, passphrase)
}

// check reads what writeStore wrote.
func check(t *testing.T, dir, passphrase string) *store {
	t.Helper()
	r, err := openStore(dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if r.format != 2 {
		t.Errorf("format %d", r.format)
	}
	ledger, err := r.checkDigests()
	if err != nil {
		t.Fatal(err)
	}
	checkGeneration(t, r, ledger)
	found := false
	for _, e := range r.buckets["scheduled_jobs"] {
		if !bytes.Equal(e.key, r.hidden("job", "job 1")) {
			continue
		}
		job, err := r.record("scheduled_jobs", e)
		found = err == nil && job.text(1) == "job 1" && job.text(2) == script &&
			job.text(3) == "@daily"
	}
	if !found {
		t.Error("the job is not there")
	}
	checkOutput(t, r)
	return r
}

func checkOutput(t *testing.T, r *store) {
	t.Helper()
	for _, e := range r.buckets["runs"] {
		id := fmt.Sprintf("%x-%x-%x-%x-%x", e.key[:4], e.key[4:6], e.key[6:8], e.key[8:10],
			e.key[10:])
		text, err := r.output(id, 1)
		if err != nil || !strings.HasPrefix(text, "line 0\nline 0\n") ||
			!strings.HasSuffix(text, "line 3\nline 3\n") || !strings.Contains(text, "…") {
			t.Errorf("%d bytes of output, %v", len(text), err)
		}
	}
	if len(r.buckets["runs"]) != 1 {
		t.Errorf("%d runs", len(r.buckets["runs"]))
	}
}

// checkGeneration reads the file beside the database: docs/storage.md, Generation.
func checkGeneration(t *testing.T, r *store, ledger fields) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, "generation"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, r.hkdf(r.keys[0], "gusty 1 generation"))
	mac.Write(b[:34])
	if len(b) != 66 || string(b[:10]) != "GUSTYGEN\x00\x01" || !bytes.Equal(b[10:26], r.database) ||
		!bytes.Equal(mac.Sum(nil), b[34:]) {
		t.Errorf("the file of the generation is % x", b)
	}
	if noted := binary.BigEndian.Uint64(b[26:]); noted != ledger.uint(15) {
		t.Errorf("generation %d, and %d is noted", ledger.uint(15), noted)
	}
}

// TestFormat1ReadsByThePage: what the page says of the earlier format is true as well.
func TestFormat1ReadsByThePage(t *testing.T) {
	dir := filepath.Join("..", "..", "persistence", "testdata", "format1")
	packed, err := os.Open(filepath.Join(dir, "gusty.db.gz"))
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
	r, err := openFile(dir, file, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.checkDigests(); err != nil || r.format != 1 ||
		len(r.buckets["scheduled_jobs"]) != 11 {
		t.Errorf("format %d, %d jobs, %v", r.format, len(r.buckets["scheduled_jobs"]), err)
	}
	text, err := r.output("01a3185c-500d-7000-8000-00000000000d", 1)
	if err != nil || !strings.HasSuffix(text, "out 7 of run 13\n") {
		t.Errorf("%d bytes of output, %v", len(text), err)
	}
}
