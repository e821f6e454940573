package cron

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestLoadLocation(t *testing.T) {
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires",
		"Etc/GMT+12", "America/Port-au-Prince",
	} {
		if loc, err := LoadLocation(name); err != nil || loc.String() != name {
			t.Errorf("%q: %v, %v", name, loc, err)
		}
	}
	if loc, err := LoadLocation(""); err != nil || loc != time.Local {
		t.Errorf("the empty name: %v, %v; want the host's zone", loc, err)
	}
}

func TestLoadLocationRefuses(t *testing.T) {
	for _, name := range []string{
		"Local", "Nowhere/Land", "europe/berlin", "../../etc/passwd", "/etc/localtime", "Europe/../UTC", "Europe//Berlin", "Europe/", `a\b`, ".",
		"right/UTC", "posix/UTC", "localtime", "posixrules", "Europe/Berlin\x00", "zone.tab",
		"Europe", strings.Repeat("A", 1<<16),
	} {
		loc, err := LoadLocation(name)
		if err == nil || loc != nil || !strings.Contains(err.Error(), `like "Europe/Berlin"`) || len(err.Error()) > 200 {
			t.Errorf("%.40q: %v, %v; want an error that says what to give", name, loc, err)
		}
	}
}

func TestLocationIsShared(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "UTC", ""} {
		if first, second := zone(t, name), zone(t, name); first != second {
			t.Errorf("%q is loaded twice", name)
		}
	}
}

func TestMemoKeepsNoBadName(t *testing.T) {
	var m memo
	if _, err := m.load("Nowhere/Land"); err == nil || len(m.loaded) != 0 {
		t.Errorf("%v, %d names kept", err, len(m.loaded))
	}
}

func TestMemoForgets(t *testing.T) {
	var m memo
	if _, err := m.load("Asia/Tokyo"); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC()
	if m.loaded["Asia/Tokyo"].Value() != nil {
		t.Error("a zone that nobody holds is kept")
	}
}
