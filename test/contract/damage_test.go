package contract

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gusty/test/agent"
)

// TestDamage starts agents on directories that something has happened to: each start is refused
// with exit code 5, and nothing is changed.
func TestDamage(t *testing.T) {
	t.Parallel()
	model := stopped(t)
	other := stopped(t)
	for _, damage := range []struct {
		name   string
		effect func(t *testing.T, dir string)
	}{
		{"cut short", func(t *testing.T, dir string) { // the file's end may be spare room: nothing is lost there
			write(t, dir, "gusty.db", read(t, dir, "gusty.db")[:6*os.Getpagesize()])
		}},
		{"both heads gone", func(t *testing.T, dir string) {
			data := read(t, dir, "gusty.db")
			clear(data[:2*os.Getpagesize()])
			write(t, dir, "gusty.db", data)
		}},
		{"every page garbled", func(t *testing.T, dir string) {
			data := read(t, dir, "gusty.db")
			for i := 2*os.Getpagesize() + 100; i < len(data); i += 512 {
				data[i] ^= 0x5a
			}
			write(t, dir, "gusty.db", data)
		}},
		{"not a database", func(t *testing.T, dir string) { write(t, dir, "gusty.db", []byte("hello")) }},
		{"empty file", func(t *testing.T, dir string) { write(t, dir, "gusty.db", nil) }},
		{"another agent's key", func(t *testing.T, dir string) { write(t, dir, "key", read(t, other, "key")) }},
		{"another agent's database", func(t *testing.T, dir string) { write(t, dir, "gusty.db", read(t, other, "gusty.db")) }},
		{"key gone", func(t *testing.T, dir string) { remove(t, dir, "key") }},
		{"database gone", func(t *testing.T, dir string) { remove(t, dir, "gusty.db") }},
	} {
		t.Run(damage.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(model)); err != nil {
				t.Fatal(err)
			}
			damage.effect(t, dir)
			before := [2][]byte{peek(dir, "gusty.db"), peek(dir, "key")}
			fails(t, 5, agent.Options{Dir: dir})
			if !bytes.Equal(before[0], peek(dir, "gusty.db")) ||
				!bytes.Equal(before[1], peek(dir, "key")) {
				t.Error("the refused start changed the database or the key")
			}
		})
	}
}

// stopped returns the directory of an agent that has a job and was stopped in order.
func stopped(t *testing.T) string {
	t.Helper()
	process := agent.StartT(t, t.TempDir())
	if _, err := process.ClientT(t).Want(t.Context(), 200, "POST", "/agent/job",
		agent.JobBody("a job", "@daily", "true")); err != nil {
		t.Fatal(err)
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Fatalf("stopping: exit code %d, %v", code, err)
	}
	return process.Dir
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// peek reads a file that may be absent.
func peek(dir, name string) []byte {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	return data
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
