package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/salvage"
	"gusty/persistence/internal/verify"
)

// TestMain lets the test binary be the children that some tests start.
func TestMain(m *testing.M) {
	switch os.Getenv("GUSTY_TEST_CHILD") {
	case "verify":
		os.Exit(verify.VerifyMain(os.Args[1], os.Stdin, os.Stderr))
	case "salvage":
		os.Exit(salvage.SalvageMain(os.Args[1], os.Stdin, os.Stdout, os.Stderr))
	case "write":
		os.Exit(writeAcknowledged(os.Args[1]))
	case "rotate":
		os.Exit(rotateForever(os.Args[1]))
	case "compact":
		os.Exit(compactForever(os.Args[1]))
	}
	os.Exit(m.Run())
}

func testBuild() messages.Build {
	return messages.Build{Version: "1.2.3", Commit: "abcdef", Date: "2026-01-02T03:04:05Z"}
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, Build: testBuild()})
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

// reopen closes s and opens its directory again.
func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return openStore(t, filepath.Dir(s.output))
}

// commit submits one change and waits for it.
func commit(t testing.TB, s *Store, rows ...messages.Row) messages.Committed {
	t.Helper()
	c := try(s, rows...)
	if c.Err != nil {
		t.Fatal(c.Err)
	}
	return c
}

func try(s *Store, rows ...messages.Row) messages.Committed {
	answer := make(chan messages.Committed, 1)
	s.Submit(messages.Change{Rows: rows}, func(c messages.Committed) { answer <- c })
	return <-answer
}

func testJob(name string) messages.Job {
	return messages.Job{
		Name: name, Content: []byte("echo secret-script-line of " + name + "\n"),
		CronExpression: "*/5 * * * *",
		Arguments:      "one 'two three'", Type: messages.ScriptBash,
		OpenSearchIndex:   "index-of-jobs",
		OpenSearchEnabled: true,
		Options:           messages.DefaultJobOptions(),
	}
}

// testRunID returns UUIDv7-like ids whose order is that of n, a millisecond apart.
func testRunID(n int) string {
	const epoch = 1_800_000_000_000
	ms := uint64(epoch + n)
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n)
}

func testRun(n int, name string, state messages.RunState) messages.Run {
	return messages.Run{
		ID: testRunID(n), ScriptName: name, Kind: messages.RunOfJob, State: state,
		Trigger: messages.TriggerSchedule, Attempt: 1,
		DueAt: time.Unix(int64(1_800_000_000+n), 123_000_000).UTC(),
	}
}

func TestVerifyInAChild(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GUSTY_TEST_CHILD", "verify")
	verifier := verify.SpawnVerifier(os.Args[0])
	s, err := Open(Options{Dir: dir, VerifyChild: verifier})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flipHeaders(t, dir)
	if _, err := Open(Options{
		Dir:         dir,
		VerifyChild: verifier,
	}); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("damaged: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, datadir.KeyName), keyring.KeyText(keyring.Key{1}),
		0o600); err != nil {
		t.Fatal(err)
	}
	flipHeaders(t, dir)
	if _, err := Open(Options{
		Dir:         dir,
		VerifyChild: verifier,
	}); !errors.Is(err, format.ErrWrongKey) {
		t.Errorf("wrong key: got %v", err)
	}
}

// flipHeaders inverts a bit in the header, wherever an old page still holds it, too.
func flipHeaders(t testing.TB, dir string) {
	t.Helper()
	path := filepath.Join(dir, datadir.DatabaseName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; {
		next := bytes.Index(file[at:], []byte(keyring.HeaderMagic))
		if next < 0 {
			break
		}
		at += next + len(keyring.HeaderMagic)
		file[at+5] ^= 1
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	k, err := keyring.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(keyring.KeyText(k)), keyring.KeyPrefix))
	for _, format := range []string{"%v", "%s", "%+v", "%#v"} {
		if printed := fmt.Sprintf(format, k); strings.Contains(printed, text[:8]) ||
			printed != "********" {
			t.Errorf("%s prints %q", format, printed)
		}
	}
}
