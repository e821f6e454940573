package format

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
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
	script := &messages.Job{Name: "adhoc", Content: []byte("echo carried"), Options: messages.DefaultJobOptions()}
	commit(t, s, messages.RunRow{Run: messages.Run{ID: run, ScriptName: "adhoc", Kind: messages.RunOfScript, State: messages.RunQueued}, Script: script})
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
	if string(b[:10]) != "GUSTYRUN\x00\x01" || !bytes.Equal(b[10:26], r.database) || !bytes.Equal(b[26:58], boot[:]) ||
		!bytes.Equal(b[58:74], make([]byte, 16)) || !bytes.Equal(mac.Sum(nil), b[74:106]) || !bytes.Equal(b[106:112], make([]byte, 6)) {
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
