//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogFileIsReopened(t *testing.T) {
	dir := t.TempDir()
	l := newLogging(settings{dataDir: dir, logFormat: formatJSON})
	if err := l.out.use("agent.log"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log", "agent.log")
	l.Info("first")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Info("second")
	if err := l.out.reopen(); err != nil {
		t.Fatal(err)
	}
	l.Info("third")
	l.Debug("below the level")
	l.setLevel("debug")
	l.Debug("fourth")
	if err := l.out.use(""); err != nil {
		t.Fatal(err)
	}
	for file, lines := range map[string][]string{
		path + ".1": {"first", "second"},
		path:        {"third", "fourth"},
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), "\n"); n != len(lines) {
			t.Errorf("%s has %d lines: %s", filepath.Base(file), n, data)
		}
		for _, line := range lines {
			if !strings.Contains(string(data), line) {
				t.Errorf("%s lacks %q", filepath.Base(file), line)
			}
		}
	}
}

func TestLogFileThatWasRemovedIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	l := newLogging(settings{dataDir: dir, logFormat: formatJSON})
	if err := l.out.use("agent.log"); err != nil {
		t.Fatal(err)
	}
	l.Info("first")
	if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	l.Info("second")
	data, err := os.ReadFile(filepath.Join(dir, "log", "agent.log"))
	if err != nil || !strings.Contains(string(data), "second") {
		t.Errorf("%s, %v", data, err)
	}
	if err := l.out.use(""); err != nil {
		t.Fatal(err)
	}
}
