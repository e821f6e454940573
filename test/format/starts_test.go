package format

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/messages"
	"gusty/persistence"
)

// TestStartsReadByThePage reads the file of starts as docs/storage.md gives it.
func TestStartsReadByThePage(t *testing.T) {
	dir := t.TempDir()
	s, err := persistence.Open(persistence.Options{Dir: dir, Agent: true, BootID: "this boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // it is closed by then, but where the test failed
	run := runID(1)
	commit(t, s, messages.RunRow{
		Run: messages.Run{
			ID: run, ScriptName: "adhoc", Kind: messages.RunOfScript, State: messages.RunQueued,
		},
		Script: &messages.Job{
			Name: "adhoc", Content: []byte("echo carried"), Options: messages.DefaultJobOptions(),
		},
	})
	if err := s.NoteStart(run); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "starts"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := openStore(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, r.hkdf(r.keys[0], "gusty 1 starts"))
	mac.Write(b[:74])
	boot := sha256.Sum256([]byte("this boot"))
	head := slices.Concat([]byte("GUSTYRUN\x00\x01"), r.database, boot[:], make([]byte, 16),
		mac.Sum(nil), make([]byte, 6))
	if !bytes.Equal(b[:112], head) {
		t.Errorf("the header is % x", b[:112])
	}
	id, _ := hex.DecodeString(strings.ReplaceAll(run, "-", ""))
	if !bytes.Equal(b[112:], id) {
		t.Errorf("the slots are % x", b[112:])
	}
	row, err := r.record("runs", r.buckets["runs"][0])
	if err != nil || parse([]byte(row.text(29))).text(2) != "echo carried" {
		t.Errorf("the run carries %q, %v", row.text(29), err)
	}
}
