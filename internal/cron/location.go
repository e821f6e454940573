package cron

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // see LoadLocation
	"weak"
)

// LoadLocation returns the time zone of an IANA name, "Europe/Berlin"; the empty name is the host's
// own zone. An error is a sentence for whoever gave the name. A zone has some 5 KB: the same name
// gives the same *time.Location for as long as anybody holds it.
//
// The host's time zone database comes first, since an operator keeps it up to date. A bare host or
// container has none, nor has Windows: for them the binary carries Go's copy (time/tzdata). It
// costs 400 KB of the binary, in read-only pages that are not resident before a zone is looked for
// in them; without it every job with a time zone would be refused there.
func LoadLocation(name string) (*time.Location, error) {
	switch {
	case name == "":
		return time.Local, nil
	case name == "Local":
		return nil, fmt.Errorf(`%q is no time zone: leave it empty for the host's own, or give a name like "Europe/Berlin"`, name)
	case !isZoneName(name):
		return nil, fmt.Errorf(`%s is no time zone: give a name of the IANA database, like "Europe/Berlin" or "UTC"`, quote(name))
	}
	return locations.load(name)
}

// isZoneName keeps names from the file system that could leave the database's directory or that
// name something else in it: "right/…" holds zones that count leap seconds, which Unix time does
// not, "posix/…" the others once more, and the last two are what one host has chosen.
func isZoneName(name string) bool {
	const longest = 64
	if len(name) > longest || strings.HasPrefix(name, "right/") ||
		strings.HasPrefix(name, "posix/") ||
		name == "localtime" || name == "posixrules" {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.Trim(part, zoneLetters) != "" {
			return false
		}
	}
	return true
}

const zoneLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-"

// locations remembers what is in use. It can't be noticed but by its saving: a zone is never
// changed, and one that nobody holds is forgotten.
var locations memo

// memo holds loaded zones by name, weakly.
type memo struct {
	mu     sync.Mutex
	loaded map[string]weak.Pointer[time.Location]
}

func (m *memo) load(name string) (*time.Location, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if loc := m.loaded[name].Value(); loc != nil {
		return loc, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf(`%q is not in the time zone database: check its spelling (case counts), like "Europe/Berlin" or "UTC"`, name)
	}
	if m.loaded == nil {
		m.loaded = make(map[string]weak.Pointer[time.Location])
	}
	m.loaded[name] = weak.Make(loc)
	return loc, nil
}
