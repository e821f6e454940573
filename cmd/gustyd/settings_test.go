package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func environment(pairs ...string) lookupEnv {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

func TestFlagBeforeEnvironment(t *testing.T) {
	dir := t.TempDir()
	env := environment("GUSTY_DATA_DIR=/elsewhere", "GUSTY_PORT=1000", "GUSTY_LOG_LEVEL=debug",
		"GUSTY_LISTEN=::1")
	s, err := parseSettings([]string{"--data-dir", dir, "2000", "--log-level=error"}, env)
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		dataDir:   dir,
		port:      2000,
		logLevel:  "error",
		listen:    "::1",
		logFormat: formatJSON,
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	s, err = parseSettings(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	want = settings{
		dataDir:   filepath.FromSlash("/elsewhere"),
		port:      1000,
		logLevel:  "debug",
		listen:    "::1",
		logFormat: formatJSON,
	}
	if s != want {
		t.Errorf("from the environment alone: got %+v, want %+v", s, want)
	}
}

func TestPortStandsAnywhere(t *testing.T) {
	for _, args := range []string{
		"443 --data-dir D", "--data-dir D 443",
		"--data-dir D 443 --log-format text",
	} {
		s, err := parseSettings(strings.Fields(args), environment())
		if err != nil || s.port != 443 || filepath.Base(s.dataDir) != "D" {
			t.Errorf("%s: got %+v, %v", args, s, err)
		}
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	for args, named := range map[string]string{
		"0": "PORT", "65536": "PORT", "http": "PORT", "80 81": "PORT", "--listen example.org": "--listen", "--log-level loud": "--log-level",
		"--log-format xml": "--log-format", "--nonsense": "nonsense",
	} {
		if _, err := parseSettings(strings.Fields(args), environment()); err == nil ||
			!strings.Contains(err.Error(), named) {
			t.Errorf("%s: got %v, want an error that names %s", args, err, named)
		}
	}
}
